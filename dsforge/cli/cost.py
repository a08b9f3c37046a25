"""`dsforge cost`: tokens counted, and what training on them would cost."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import FORMAT, JSON_FLAG, WORKERS, Output, quantity

if TYPE_CHECKING:
    from dsforge.cost.count import TokenCount
    from dsforge.cost.estimate import Estimate
    from dsforge.cost.quote import HardwareQuote, Quote

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class MethodChoice(str, Enum):
    """How the model is trained."""

    lora = "lora"
    full = "full"


@app.command()
def command(
    inputs: list[str] = typer.Argument(..., metavar="INPUT...", help="JSONL or JSON files; - is standard input."),
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
    max_tokens: int | None = typer.Option(
        None, "--max-tokens", min=1, show_default=False, help="The longest row [default: the platform's limit]."
    ),
    batch_size: int = typer.Option(1, "--batch-size", min=1, help="Rows at a time on a GPU."),
    rank: int = typer.Option(16, "--rank", min=1, help="Rank of the LoRA adapter."),
    from_format: str = FORMAT,
    rejects: str = typer.Option("", "--rejects", help="Where rows go that cannot be decoded."),
    workers: int = WORKERS,
    as_json: bool = JSON_FLAG,
) -> int:  # fmt: skip
    """Count tokens and price the training on each platform and GPU.

    Prices come with their source and date. A price that is not known is asked for, never guessed.
    """
    from dsforge.cost.count import count_tokens
    from dsforge.cost.estimate import Choices, estimate_cost, plan_estimate
    from dsforge.io.rejects import write_rejects
    from dsforge.io.together import check_outputs

    out = Output(as_json)
    plan = plan_estimate(
        Choices(target, model, gpu, method.value if method else None, epochs, max_tokens, batch_size, rank, price)
    )
    if rejects:
        check_outputs(inputs, [rejects])
    chosen = plan.tokenizer if tokenizer == "auto" else tokenizer
    count = count_tokens(inputs, chosen, format_name=from_format, workers=workers)
    for notice in count.notices:
        out.note(f"dsforge: {notice}")
    estimate = estimate_cost(count, plan)
    if rejects:
        write_rejects(rejects, count.rejects)
    _show_tokens(out, inputs, count, estimate)
    _show_quotes(out, estimate.quotes)
    _show_hardware(out, estimate.hardware)
    for note in estimate.notes:
        out.note(f"dsforge: {note}")
    _show_rejects(out, count, rejects)
    _result(out, count, estimate)
    return 1 if count.rejects else 0


def _show_tokens(out: Output, inputs: list[str], count: TokenCount, estimate: Estimate) -> None:
    tokens = estimate.tokens
    formats = ", ".join(sorted(count.formats)) or "nothing readable"
    out.say(f"{' '.join(inputs)} ({formats}): {quantity(len(count.columns), 'row')}")
    share = f" ({tokens.trained / tokens.total:.0%})" if tokens.total else ""
    exact = "exact" if tokens.exact else f"within {tokens.error:.0%} of o200k_base"
    out.say(f"{tokens.total:,} tokens, {tokens.trained:,} trained{share}; longest row {tokens.max_row:,}")
    out.say(f"tokenizer: {tokens.tokenizer} ({exact})")
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
    if quote.hours_range is None:
        return "-"
    fast, slow = quote.hours_range
    for unit, per_hour in (("h", 1), ("min", 60), ("s", 3600)):
        if slow * per_hour >= 1:
            return f"{fast * per_hour:,.1f} to {slow * per_hour:,.1f} {unit}"
    return "under 1 s"


def _show_hardware(out: Output, hardware: list[HardwareQuote]) -> None:
    from dsforge.cost.compute import UTILISATION
    from dsforge.cost.memory import BAND

    if not hardware:
        return
    out.say()
    out.say(out.style("Own or rented GPUs", "bold"))
    out.table(
        ["GPU", "count", "model", "method", "GiB each", "fits", "time", "amount", "as of"],
        [
            (h.gpu, h.count, h.model, h.method, h.memory_gib, "yes" if h.fits else "no", _hours(h),
             _amount(h.amount, h.currency), h.as_of if h.amount is not None else "")
            for h in hardware
        ],
    )  # fmt: skip
    first, (low, high) = hardware[0], UTILISATION
    sequences = f"sequences of up to {first.max_tokens:,} tokens, {first.batch_size} at a time"
    out.say(f"  memory within {BAND:.0%} or so: BF16, gradient checkpointing, {sequences}")
    out.say(
        f"  time to compute at {low:.0%} to {high:.0%} of the peak, without loading; the amount is for the slow end"
    )
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


def _result(out: Output, count: TokenCount, estimate: Estimate) -> None:
    from msgspec.structs import asdict

    out.result(
        "cost", count.rows_in, len(count.columns), len(count.rejects), tokens=asdict(estimate.tokens),
        quotes=[asdict(quote) for quote in estimate.quotes], hardware=[asdict(quote) for quote in estimate.hardware],
        notes=estimate.notes,
    )  # fmt: skip
