"""`dsforge cost`: tokens counted, and what training on them would cost."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

from dsforge.cli.bill import PlanFile, bill_object, show_bill
from dsforge.cli.gpus import PrecisionChoice, ShardingChoice, assumptions, calibrated, fits, setup_of
from dsforge.cli.output import FORMAT, JSON_FLAG, WORKERS, Output, quantity
from dsforge.cli.ranked import (
    capacities,
    ranking_object,
    show_budget,
    show_ranking,
    show_shape,
    write_csv,
)
from dsforge.errors import UsageError
from dsforge.money import parse_money

if TYPE_CHECKING:
    from dsforge.cost.count import TokenCount
    from dsforge.cost.estimate import Estimate
    from dsforge.cost.quote import HardwareQuote, Quote
    from dsforge.cost.setup import Setup
    from dsforge.targets.profile import Method

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class MethodChoice(str, Enum):
    """How the model is trained."""

    lora = "lora"
    qlora = "qlora"
    full = "full"


@app.command()
def command(
    inputs: list[str] = typer.Argument(
        [], metavar="INPUT...", show_default=False, help="JSONL or JSON files; - is standard input."
    ),
    target: list[str] = typer.Option(
        [], "--target", show_default=False, help="A platform, local, or a profile.yaml; repeat [default: all]."
    ),
    model: list[str] = typer.Option(
        [], "--model", show_default=False, help="A model to train; repeat [default: each target's own]."
    ),
    method: MethodChoice | None = typer.Option(
        None, "--method", show_default=False, help="[default: lora where the model is trained so]"
    ),
    epochs: int = typer.Option(3, "--epochs", min=1, help="Passes over the data."),
    gpu: list[str] = typer.Option([], "--gpu", show_default=False, help="A GPU to price; repeat [default: all]."),
    tokenizer: str = typer.Option(
        "auto", "--tokenizer", show_default=False,
        help="A tiktoken encoding, an OpenAI model, a tokenizer.json, qwen or approximate [default: o200k_base].",
    ),
    price: list[str] = typer.Option(
        [], "--price", metavar="TARGET.MODEL=X", show_default=False,
        help="A price in the target's currency and unit; local.GPU=X for a rent an hour.",
    ),
    plan: str = typer.Option(
        "", "--plan", metavar="FILE", show_default=False, help="A plan.yaml of the whole project, whose bill is shown."
    ),
    rate: list[str] = typer.Option(
        [], "--rate", metavar="FROM/TO=X", show_default=False,
        help="An exchange rate, as CNY/USD=0.14; repeat. Without one nothing is exchanged.",
    ),
    max_tokens: int | None = typer.Option(
        None, "--max-tokens", min=1, show_default=False, help="The longest row [default: the platform's limit]."
    ),
    batch_size: int = typer.Option(1, "--batch-size", min=1, help="Rows at a time on a GPU."),
    rank: int = typer.Option(16, "--rank", min=1, help="Rank of the LoRA adapter."),
    lora_targets: str = typer.Option(
        "all-linear", "--lora-targets", metavar="NAMES", help="Matrices that LoRA adapts: q_proj,v_proj."
    ),
    sharding: ShardingChoice = typer.Option("zero3", "--sharding", help="What several GPUs divide among them."),
    precision: PrecisionChoice = typer.Option("bf16", "--precision", help="What full training holds its states in."),
    no_checkpointing: bool = typer.Option(False, "--no-checkpointing", help="Without gradient checkpointing."),
    packing: bool = typer.Option(False, "--packing", help="Rows share sequences of --max-tokens on a GPU."),
    calibrate: str = typer.Option(
        "", "--calibrate", metavar="FOLDER", show_default=False, help="Runs of dsforge train, to fit utilisation to."
    ),
    calibration: str = typer.Option(
        "", "--calibration", metavar="FILE", show_default=False,
        help="Where the fit is kept [default: the user's configuration folder].",
    ),
    compare: str = typer.Option(
        "", "--compare", metavar="WAYS", show_default=False,
        help="Compare these alone, with commas between: zhipu/glm-4-flash, openai/gpt-4.1-mini/full, "
        "local:qwen2.5-7b/lora@rtx-4090.",
    ),
    budget: str = typer.Option(
        "", "--budget", metavar="AMOUNT", show_default=False, help="How many epochs or rows it pays for, as 100CNY."
    ),
    csv: str = typer.Option("", "--csv", metavar="FILE", show_default=False, help="Write all ways to train as CSV."),
    report: str = typer.Option(
        "", "--report", metavar="FILE", show_default=False, help="Write a page with tables and charts."
    ),
    from_format: str = FORMAT,
    rejects: str = typer.Option("", "--rejects", help="Where rows go that cannot be decoded."),
    workers: int = WORKERS,
    as_json: bool = JSON_FLAG,
) -> int:  # fmt: skip
    """Count tokens and price the training on each platform and GPU.

    Prices come with their source and date. A price that is not known is asked for, never guessed.
    """
    from dsforge.cost.compare import estimate_ways, parse_ways, plan_ways
    from dsforge.cost.count import count_tokens
    from dsforge.cost.currency import parse_rates
    from dsforge.cost.estimate import Choices, plan_estimate
    from dsforge.cost.ranking import afford
    from dsforge.cost.ranking import rank as rank_ways
    from dsforge.io.rejects import write_rejects
    from dsforge.io.together import check_outputs

    out = Output(as_json)
    rates = parse_rates(rate)
    fitted, said = calibrated(out, calibrate, calibration)
    if not inputs:
        if not calibrate:
            raise UsageError("Missing argument 'INPUT...'")
        out.result("cost", 0, 0, 0, **said)
        return 0 if said["calibration"]["fits"] else 1
    hosted: Method | None = None if method is None else "full" if method is MethodChoice.full else "lora"
    setup = setup_of(method and method.value, rank, lora_targets, sharding, precision, no_checkpointing)
    choices = Choices(
        target, model, gpu, hosted, epochs, max_tokens, batch_size, rank, price, setup, packing, fitted
    )  # fmt: skip
    project = PlanFile(plan, price, rates, fitted) if plan else None
    if compare:
        _refuse_with_compare(target, model, gpu)
        plans = plan_ways(parse_ways(compare), choices)
    else:
        plans = [(project and project.compared(choices)) or plan_estimate(choices)]
    money = parse_money("--budget", budget, "100CNY") if budget else None
    check_outputs(inputs, [rejects] if rejects else [], others=[file for file in (csv, report) if file])
    chosen = plans[0].tokenizer if tokenizer == "auto" else tokenizer
    count = count_tokens(inputs, chosen, format_name=from_format, workers=workers)
    for notice in count.notices:
        out.note(f"dsforge: {notice}")
    estimate = estimate_ways(count, plans)
    ranking = rank_ways(estimate, rates, plans[0].choices.epochs, capacities())
    affordable = afford(ranking, *money, rates, count.columns["total"]) if money else []
    if rejects:
        write_rejects(rejects, count.rejects)
    _show_tokens(out, inputs, count, estimate)
    _show_quotes(out, estimate.quotes)
    _show_hardware(out, estimate.hardware, setup)
    show_ranking(out, ranking)
    if money:
        show_budget(out, budget, affordable, len(count.columns))
    for note in estimate.notes:
        out.note(f"dsforge: {note}")
    if csv:
        write_csv(csv, ranking)
    if report:
        from dsforge.cost.page import write_page

        write_page(
            report, inputs, estimate, ranking, estimate.shape, epochs=plans[0].choices.epochs, count=count,
            book=plans[0].book, rates=rates,
            assumptions=assumptions(estimate.hardware, setup) if estimate.hardware else (),
        )  # fmt: skip
    bill = project.bill(count) if project else None
    if project and bill:
        show_bill(out, bill, project.rates, project.name)
    _show_rejects(out, count, rejects)
    more = {**said, "plan": bill_object(bill, project.rates)} if project and bill else said
    more = {**more, **ranking_object(ranking, affordable), "csv": csv or None, "report": report or None}
    _result(out, count, estimate, **more)
    return 1 if count.rejects else 0


def _refuse_with_compare(targets: list[str], models: list[str], gpus: list[str]) -> None:
    for name, given in (("--target", targets), ("--model", models), ("--gpu", gpus)):
        if given:
            raise UsageError(f"--compare says what is compared, so {name} has no place beside it: leave out one")


def _show_tokens(out: Output, inputs: list[str], count: TokenCount, estimate: Estimate) -> None:
    tokens = estimate.tokens
    formats = ", ".join(sorted(count.formats)) or "nothing readable"
    out.say(f"{' '.join(inputs)} ({formats}): {quantity(len(count.columns), 'row')}")
    share = f" ({tokens.trained / tokens.total:.0%})" if tokens.total else ""
    exact = "exact" if tokens.exact else f"within {tokens.error:.0%} of o200k_base"
    out.say(f"{tokens.total:,} tokens, {tokens.trained:,} trained{share}; longest row {tokens.max_row:,}")
    out.say(f"tokenizer: {tokens.tokenizer} ({exact})")
    if tokens.sequences is not None and tokens.sequences_trained is not None:
        out.say(f"through the chat template: {tokens.sequences:,} tokens, {tokens.sequences_trained:,} trained")
    show_shape(out, estimate)
    if tokens.note:
        out.note(f"dsforge: {tokens.note}")


def _amount(amount: float | None, currency: str | None) -> str:
    from decimal import Decimal

    from dsforge.cost.prices import money

    return "?" if amount is None else f"{money(Decimal(str(amount)))} {currency}"


def _show_quotes(out: Output, quotes: list[Quote]) -> None:
    if not quotes:
        return
    out.say()
    out.say(out.style("Hosted", "bold"))
    out.table(
        ["target", "model", "method", "tokens", "epochs", "amount", "as of"],
        [
            (q.target, q.model, q.method, q.tokens_billed, q.epochs, _amount(q.amount, q.currency),
             q.as_of if q.amount is not None else "")
            for q in quotes
        ],
    )  # fmt: skip
    for quote in quotes:
        out.say(f"  {quote.target}: {quote.formula}")
        if quote.amount is not None:
            out.say(
                f"  {' ' * len(quote.target)}  {quote.source}, {quote.as_of}{'' if quote.verified else ' (unverified)'}"
            )
        for note in quote.notes:
            out.say(f"  {' ' * len(quote.target)}  {note}")


def _hours(quote: HardwareQuote) -> str:
    from dsforge.report.cost_report import duration

    return duration(quote.hours_range) if quote.hours_range else "-"


def _show_hardware(out: Output, hardware: list[HardwareQuote], setup: Setup) -> None:
    if not hardware:
        return
    out.say()
    out.say(out.style("Own or rented GPUs", "bold"))
    out.table(
        ["GPU", "count", "model", "method", "GiB each", "fits", "time", "amount", "as of"],
        [
            (h.gpu, h.count, h.model, h.method, h.memory_gib, fits(h), _hours(h),
             _amount(h.amount, h.currency), h.as_of if h.amount is not None else "")
            for h in hardware
        ],
    )  # fmt: skip
    for line in assumptions(hardware, setup):
        out.say(f"  {line}")
    for quote in hardware:
        if quote.amount is not None:
            out.say(f"  {quote.gpu}: {quote.formula} ({quote.source})")
    unpriced = list(dict.fromkeys(quote.gpu for quote in hardware if quote.fits and quote.amount is None))
    if unpriced:
        names = ", ".join(unpriced)
        out.say(f"  rent not known: {names}; give --price local.{unpriced[0]}=... (CNY an hour)")


def _show_rejects(out: Output, count: TokenCount, path: str) -> None:
    if not count.rejects:
        return
    by_code = Counter(reject.code for reject in count.rejects)
    for code, rows in sorted(by_code.items()):
        first = next(reject for reject in count.rejects if reject.code == code)
        out.note(
            f"dsforge: {quantity(rows, 'row')} rejected [{code}], first {first.path} row {first.row}: {first.reason}"
        )
    where = f"written to {path}" if path else "give --rejects FILE to keep them"
    out.note(f"dsforge: {quantity(len(count.rejects), 'row')} not counted; {where}")


def _result(out: Output, count: TokenCount, estimate: Estimate, **more: Any) -> None:
    from msgspec import to_builtins
    from msgspec.structs import asdict

    tokens = {**asdict(estimate.tokens), "shape": estimate.shape and to_builtins(estimate.shape)}
    out.result(
        "cost", count.rows_in, len(count.columns), len(count.rejects), tokens=tokens,
        quotes=[asdict(quote) for quote in estimate.quotes], hardware=[asdict(quote) for quote in estimate.hardware],
        notes=estimate.notes, **more,
    )  # fmt: skip
