"""Puts an estimate together: tokens, the bill at each hosted target, time and rent on each GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from dsforge.cost.calibrate import Calibration
from dsforge.cost.compute import Work, work_of
from dsforge.cost.count import Columns, TokenCount
from dsforge.cost.hardware import Run, mark_best, quote_hardware
from dsforge.cost.hosted import entry_of, quote_hosted
from dsforge.cost.local_model import check_count, local_model
from dsforge.cost.parameters import adapted
from dsforge.cost.prices import PriceBook, parse_prices
from dsforge.cost.quote import HardwareQuote, Quote, TokenSummary
from dsforge.cost.setup import Setup
from dsforge.cost.shape import Shape, shape_of
from dsforge.errors import InputError, UsageError, did_you_mean
from dsforge.targets.load import all_facts, fact_names, load_gpu, load_target
from dsforge.targets.profile import Gpu, Method, Model, Target
from dsforge.tokens.counter import DEFAULT, QWEN


@dataclass(frozen=True)
class Choices:
    """What is to be compared. Without targets all are; without models each target's default.

    `method` None is LoRA where a model is trained so, else full. `max_tokens` is the limit of a row. `setup` is the
    training on GPUs of one's own, where it says more than `method` and `rank`; with `packing` rows share sequences of
    `max_tokens` there.
    """

    targets: Sequence[str] = ()
    models: Sequence[str] = ()
    gpus: Sequence[str] = ()
    method: Method | None = None
    epochs: int = 3
    max_tokens: int | None = None
    batch_size: int = 1
    rank: int = 16
    prices: Sequence[str] = ()
    setup: Setup | None = None
    packing: bool = False
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Plan:
    """The choices, resolved: every name is known."""

    choices: Choices
    hosted: list[Target]
    gpus: list[Gpu]
    local_models: list[Model]
    book: PriceBook

    @property
    def tokenizer(self) -> str:
        """The tokenizer that the one hosted target counts with, where it can be had here; else o200k_base."""
        wanted = {target.tokenizer for target in self.hosted}
        if wanted == {QWEN} and find_spec("dashscope"):
            return QWEN
        return DEFAULT


@dataclass
class Estimate:
    """What a training would cost. `notes` are cautions for the reader, each one line; `shape` is that of the sequences
    a trainer sees.
    """

    tokens: TokenSummary
    quotes: list[Quote] = field(default_factory=list)
    hardware: list[HardwareQuote] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shape: Shape | None = None


def hosted_name(target: Target, name: str, named: bool) -> str | None:
    """How a target calls the model `name`, None where it does not train it.

    A target whose list of models is not complete is taken at the user's word, where the user `named` it.
    """
    wanted = {name.lower(), name.lower().rsplit("/", 1)[-1]}
    wanted |= {f"{short}-instruct" for short in wanted}
    known = next((known for known in target.models if known in wanted), None)
    return known or (name if named and target.other_models else None)


def plan_estimate(choices: Choices) -> Plan:
    """Look up everything that is named, before any row is read.

    Raises:
        UsageError: a target, GPU, model or price is named that does not exist.
        ConfigError: a profile does not fit.
    """
    targets = [load_target(name) for name in choices.targets or fact_names(Target)]
    hosted = [target for target in targets if target.kind == "hosted"]
    local = [target for target in targets if target.kind == "local"]
    wants_gpus = bool(local or choices.gpus)
    gpus = [load_gpu(name) for name in choices.gpus] or (list(all_facts(Gpu)) if wants_gpus else [])
    names = choices.models or [load_target("local").default_model]
    models = [model for name in names if (model := local_model(name))] if wants_gpus else []
    for model in models:
        adapted(model, choices.setup.targets if choices.setup else ())
    for name in choices.models:
        if local_model(name) is None and not any(hosted_name(target, name, bool(choices.targets)) for target in hosted):
            known = {*(found for target in hosted for found in target.models), *fact_names(Model)}
            raise UsageError(f"no model {name!r} at {', '.join(t.name for t in targets)}{did_you_mean(name, known)}")
    prices = parse_prices(choices.prices)
    shipped = (load_target(name) for name in fact_names(Target))
    _check_prices(prices, {target.name: target for target in (*shipped, *targets)})
    return Plan(choices, hosted, gpus, models, PriceBook(prices))


def _check_prices(prices: Iterable[tuple[str, str]], targets: Mapping[str, Target]) -> None:
    for target, model in prices:
        if target not in targets:
            raise UsageError(f"--price {target}.{model}: no target {target!r}{did_you_mean(target, targets)}")
        known = fact_names(Gpu) if targets[target].kind == "local" else list(targets[target].models)
        if model not in known and not (targets[target].kind == "hosted" and targets[target].other_models):
            raise UsageError(f"--price {target}.{model}: {target} has no {model!r}{did_you_mean(model, known)}")


def _summary(count: TokenCount) -> TokenSummary:
    counter, columns = count.counter, count.columns
    return TokenSummary(
        sum(columns["total"]), sum(columns["trained"]), max(columns["longest"], default=0),
        counter.name, counter.exact, counter.error, counter.note,
        sum(count.sequences["tokens"]) if len(count.sequences) else None,
        sum(count.sequences["trained"]) if len(count.sequences) else None,
    )  # fmt: skip


def local_sequences(count: TokenCount) -> tuple[list[int], list[int]]:
    """`(lengths, trained tokens)` of the sequences a trainer sees: one a row, two of a pair, the longer one first.

    They are those of the chat template where it is known, which leaves out rows that it refuses; else a few tokens are
    added for each message. Of a pair half of the trained tokens are taken to be in each.
    """
    lengths: list[int] = []
    trained: list[int] = []
    are_pairs, columns = count.columns["pair"], count.sequences
    if not len(columns):
        lengths = _local_lengths(count.columns, load_target("local").overhead.message)
        for pair, tokens in zip(are_pairs, count.columns["trained"], strict=True):
            trained += [tokens - tokens // 2, tokens // 2] if pair else [tokens]
        return lengths, trained
    for pair, total, longest, tokens in zip(
        are_pairs, columns["tokens"], columns["longest"], columns["trained"], strict=True
    ):
        if pair and total:
            lengths += [longest, total - longest]
            trained += [tokens - tokens // 2, tokens // 2]
        elif total:
            lengths.append(total)
            trained.append(tokens)
    return lengths, trained


def _local_lengths(columns: Columns, message_overhead: int) -> list[int]:
    """Texts and what is added for their messages: one sequence a row, for a pair its longer and its shorter answer."""
    lengths = []
    for total, longest, messages, pair in zip(
        *(columns[name] for name in ("total", "longest", "messages", "pair")), strict=True
    ):
        if pair:
            overhead = message_overhead * messages // 2
            lengths += [longest + overhead, total - longest + overhead]
        else:
            lengths.append(total + message_overhead * messages)
    return lengths


def _local_work(columns: Columns, lengths: Sequence[int], limit: int | None, padded_to: int) -> Work:
    """The work of an epoch, with the forward passes of the methods that preference data need.

    `padded_to` sequences are filled up to the longest of them.
    """
    total = sum(columns["total"]) or 1
    paired = sum(tokens for tokens, pair in zip(columns["total"], columns["pair"], strict=True) if pair)
    labelled = sum(tokens for tokens, label in zip(columns["total"], columns["label"], strict=True) if label)
    return work_of(lengths, limit, (paired + 3 * labelled) / total, padded_to=padded_to)


def _hurdle(target: Target, name: str, method: Method | None, columns: Columns) -> str | None:
    """Why a target cannot train a model on these rows by this method, None where it can."""
    entry = entry_of(target, name)
    if method and entry.methods and method not in entry.methods:
        return f"{target.name} trains {name} only by {' or '.join(entry.methods)}, not {method}"
    trains = entry.trains or target.trains
    if any(columns["pair"]) and "dpo" not in trains:
        return f"{target.name} does not train {name} on preference pairs"
    if any(columns["label"]) and "kto" not in trains:
        return f"{target.name} does not train {name} on rows with a KTO label"
    return None


def _add_hosted(estimate: Estimate, plan: Plan, columns: Columns) -> None:
    choices = plan.choices
    for target in plan.hosted:
        for asked in choices.models or [target.default_model]:
            if not asked:
                estimate.notes.append(f"{target.name} is priced by model: name one with --model")
                continue
            name = hosted_name(target, asked, bool(choices.targets))
            if name is None:
                if choices.targets:
                    estimate.notes.append(f"{target.name} does not train {asked}")
                continue
            if hurdle := _hurdle(target, name, choices.method, columns):
                estimate.notes.append(hurdle)
                continue
            method = choices.method or ("full" if entry_of(target, name).methods == ("full",) else "lora")
            estimate.quotes.append(
                quote_hosted(target, name, method, columns, choices.epochs, plan.book, choices.max_tokens)
            )


def _add_hardware(estimate: Estimate, plan: Plan, columns: Columns, lengths: Sequence[int]) -> None:
    choices = plan.choices
    if plan.gpus:
        unknown = [name for name in choices.models if local_model(name) is None]
        estimate.notes += [f"no GPU is priced for {name}: its size is not registered" for name in unknown]
    longest = max(lengths, default=0)
    at_most = min(longest, choices.max_tokens) if choices.max_tokens else longest
    sequences = choices.batch_size * (2 if any(columns["pair"]) else 1)
    if choices.packing:
        at_most = min(sum(lengths), choices.max_tokens or longest)
    work = _local_work(columns, lengths, choices.max_tokens, 1 if choices.packing else sequences)
    setup = choices.setup or Setup(choices.method or "lora", choices.rank)
    for model in plan.local_models:
        run = Run(model, setup, work, at_most, choices.epochs, sequences, work.extra_forwards > 0)
        quotes = [quote_hardware(run, gpu, plan.book, choices.calibration) for gpu in plan.gpus]
        estimate.hardware += mark_best(quotes)
    counted = (check_count(name, known, setup) for name in choices.models if (known := local_model(name)) and plan.gpus)
    estimate.notes += [note for note in counted if note]


def _tokenizer_notes(estimate: Estimate, plan: Plan) -> list[str]:
    used = estimate.tokens.tokenizer
    quoted = {quote.target for quote in estimate.quotes}
    other = [target.name for target in plan.hosted if target.tokenizer != used and target.name in quoted]
    if not other:
        return []
    who = f"{', '.join(other[:-1])} and {other[-1]} count" if len(other) > 1 else f"{other[0]} counts"
    own = "tokenizers of their own" if len(other) > 1 else "a tokenizer of its own"
    return [f"{who} with {own}, not with {used}: those bills are estimates"]


def estimate_cost(count: TokenCount, plan: Plan) -> Estimate:
    """The estimate for rows that have been counted.

    Raises:
        UsageError: a limit is asked for that a platform does not allow.
        InputError: there is no row at all.
    """
    if not count.rows_in:
        raise InputError("there is no row to price: the input holds none")
    estimate = Estimate(_summary(count))
    columns = count.columns
    if not len(columns):
        estimate.notes.append("no row could be read: nothing is priced")
        return estimate
    if untrained := sum(1 for trained in columns["trained"] if not trained):
        estimate.notes.append(f"rows without a trained token: {untrained:,} of {len(columns):,}")
    if count.refused:
        estimate.notes.append(f"rows that the chat template refuses: {count.refused:,} (the first: {count.reason})")
    lengths, trained = local_sequences(count)
    estimate.shape = shape_of(lengths, trained, limit=plan.choices.max_tokens)
    _add_hosted(estimate, plan, columns)
    _add_hardware(estimate, plan, columns, lengths)
    estimate.notes += _tokenizer_notes(estimate, plan)
    estimate.notes += plan.book.warnings
    return estimate
