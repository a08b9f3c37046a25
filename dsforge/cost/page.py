"""Writes the page about a cost estimate: all ways in their order, how bills grow, how long the rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from dsforge import __version__
from dsforge.cost.count import TokenCount
from dsforge.cost.currency import Rates
from dsforge.cost.estimate import Estimate, local_sequences
from dsforge.cost.hosted import training_bill
from dsforge.cost.memory import USABLE
from dsforge.cost.prices import PriceBook, rent
from dsforge.cost.quote import HardwareQuote, Quote
from dsforge.cost.ranking import Ranking, place_of
from dsforge.cost.ranking import Way as Ranked
from dsforge.cost.shape import QUANTILES, Over, Shape
from dsforge.engine.chunks import size_of
from dsforge.io.atomic import atomic_write
from dsforge.report.cost_page import cost_page
from dsforge.report.cost_report import Basis, CostReport, Way
from dsforge.report.histogram import bin_of, empty

_FEWEST_EPOCHS = 5
_MOST_POINTS = 60

_Key: TypeAlias = tuple[str, str, str]
"""Where, which model, by which method: what tells the ways of a ranking apart."""


def write_page(
    path: str | Path,
    sources: Sequence[str],
    estimate: Estimate,
    ranking: Ranking,
    shape: Shape | None,
    *,
    epochs: int,
    count: TokenCount,
    book: PriceBook,
    rates: Rates,
    assumptions: Sequence[str] = (),
) -> None:
    """Write the page about `estimate`, whose ways stand in `ranking`, to `path`.

    `book` and `rates` are those that both were made with: they say what other numbers of epochs cost. `assumptions`
    are what the quotes for GPUs rest on, a line each. Without a `shape` nothing is told of the lengths of rows.

    Raises:
        OutputError: the file cannot be written.
    """
    bins = empty()
    for length in local_sequences(count)[0] if shape else ():
        bins[bin_of(length)] += 1
    drawn = epochs_drawn(epochs)
    report = CostReport(
        sources=[(name, size_of(name)) for name in sources],
        rows=len(count.columns),
        tokens=estimate.tokens.total,
        trained=estimate.tokens.trained,
        longest=estimate.tokens.max_row,
        epochs=epochs,
        ways=_ways(estimate, ranking, drawn, epochs, book, rates),
        currency=ranking.currency,
        drawn=drawn,
        usable=USABLE,
        basis=[*map(_hosted_basis, estimate.quotes), *map(_gpu_basis, estimate.hardware)],
        assumptions=assumptions,
        lengths=bins,
        shape=list(_shape_facts(shape)) if shape else [],
        run=list(_run_facts(estimate, count, epochs, rates)),
        notes=[*count.notices, *estimate.notes],
    )
    title = f"dsforge cost: {sources[0]}" + (f" and {len(sources) - 1:,} more" if len(sources) > 1 else "")
    with atomic_write(path) as file:
        file.write(cost_page(title, report).encode("utf-8", "replace"))


def epochs_drawn(epochs: int) -> list[int]:
    """The numbers of epochs that a chart shows the bills of: from 1 to twice what was asked for, evenly chosen."""
    last = max(2 * epochs, _FEWEST_EPOCHS)
    steps = min(last, _MOST_POINTS) - 1
    return sorted({epochs, *(1 + round((last - 1) * step / steps) for step in range(steps + 1))})


# -- the ways ------------------------------------------------------------------------------------------


def _ways(
    estimate: Estimate, ranking: Ranking, drawn: Sequence[int], epochs: int, book: PriceBook, rates: Rates
) -> list[Way]:
    """The ways of the ranking, each with what its quote says beyond."""
    quotes: dict[_Key, Quote | HardwareQuote] = {
        **{(quote.target, quote.model, quote.method): quote for quote in estimate.quotes},
        **{(place_of(quote), quote.model, quote.method): quote for quote in estimate.hardware},
    }
    ways = []
    for ranked in ranking.ways:
        quote = quotes[ranked.where, ranked.model, ranked.method]
        to = ranking.currency or ranked.currency
        if isinstance(quote, Quote):
            bill, option = _hosted_bill(quote, book), f"--price {quote.target}.{quote.model}=..."
        else:
            bill, option = _gpu_bill(quote, epochs, book), f"--price local.{quote.gpu}=..."
        bills = [rates.convert(bill(number), ranked.currency, to) for number in drawn] if bill else []
        way = _way(ranked, option, [amount for amount in bills if amount is not None])
        ways.append(way if isinstance(quote, Quote) else _on_gpus(way, quote))
    return ways


def _way(ranked: Ranked, option: str, bills: Sequence[Decimal]) -> Way:
    return Way(
        ranked.where, ranked.model, ranked.method, ranked.amount, ranked.currency, ranked.compared, option, bills,
        memory_gib=ranked.memory_gib, capacity_gib=ranked.capacity_gib, fits=ranked.fits, marks=ranked.marks,
    )  # fmt: skip


def _on_gpus(way: Way, quote: HardwareQuote) -> Way:
    return way._replace(hours=quote.hours_range, parts=list(quote.memory.items()))


def _hosted_bill(quote: Quote, book: PriceBook) -> Callable[[int], Decimal] | None:
    """What so many epochs cost at a platform, no less than the minimum of a job; None where no price is known."""
    price, card = book.find(quote.target, quote.model), book.card(quote.target)
    if quote.amount is None or price is None:
        return None
    minimum = card.minimum if card else None
    return lambda epochs: training_bill(quote.tokens_billed, epochs, price.amount, price.per, minimum=minimum)


def _gpu_bill(quote: HardwareQuote, epochs: int, book: PriceBook) -> Callable[[int], Decimal] | None:
    """What so many epochs cost in rent: time grows with them, a rent by the month only from month to month."""
    price = book.find("local", quote.gpu)
    if quote.amount is None or quote.hours is None or price is None:
        return None
    of_one = Decimal(str(quote.hours)) / epochs
    return lambda number: rent(of_one * number, quote.count, price)[0]


# -- how amounts come about ----------------------------------------------------------------------------


def _hosted_basis(quote: Quote) -> Basis:
    origin = f"{quote.source}, {quote.as_of}{'' if quote.verified else ' (unverified)'}"
    return Basis(
        f"{quote.target}, {quote.model}", quote.formula, origin if quote.amount is not None else "", quote.notes
    )


def _gpu_basis(quote: HardwareQuote) -> Basis:
    origin = f"{quote.source}, {quote.as_of}" if quote.amount is not None else ""
    return Basis(f"{place_of(quote)}, {quote.model}, {quote.method}", quote.formula, origin)


# -- what is told in words -----------------------------------------------------------------------------


def _run_facts(estimate: Estimate, count: TokenCount, epochs: int, rates: Rates) -> Iterator[tuple[str, str]]:
    tokens = estimate.tokens
    unread = len(count.rejects)
    yield "Rows", f"{count.rows_in:,}" + (f"; {unread:,} could not be read and are not counted" if unread else "")
    if count.formats:
        yield "Formats", ", ".join(f"{name} ({rows:,})" for name, rows in sorted(count.formats.items()))
    share = f" ({tokens.trained / tokens.total:.0%})" if tokens.total else ""
    yield "Tokens", f"{tokens.total:,}, of which {tokens.trained:,} are trained{share}; longest row {tokens.max_row:,}"
    if tokens.sequences is not None and tokens.sequences_trained is not None:
        told = f"{tokens.sequences:,}, of which {tokens.sequences_trained:,} are trained"
        yield "Through the chat template", f"{told}: what a trainer sees"
    exact = "exact" if tokens.exact else f"approximate: within {tokens.error:.0%} of o200k_base"
    yield "Tokenizer", f"{tokens.tokenizer} ({exact})" + (f"; {tokens.note}" if tokens.note else "")
    yield "Epochs", f"{epochs:,}"
    if rates.given:
        yield "Exchange rates", str(rates)
    yield "Made by", f"dsforge {__version__}"


def _shape_facts(shape: Shape) -> Iterator[tuple[str, str]]:
    yield "Sequences", f"{shape.sequences:,} of {shape.mean:,} tokens on average"
    if shape.quantiles:
        yield "Lengths in tokens", ", ".join(map(_quantile, QUANTILES, shape.quantiles))
    if shape.padding:
        shares = ", ".join(f"{padding.share:.1%} in batches of {padding.batch_size}" for padding in shape.padding)
        yield "Padding", f"{shares}: of the tokens that are computed"
    if packing := shape.packing:
        cut = f"; {packing.cut:,} tokens are cut" if packing.cut else ""
        blocks = f"{packing.blocks:,} blocks of {packing.block_tokens:,} tokens"
        yield "Packing", f"{packing.share:.1%} of {blocks} stays empty{cut}"
    if over := shape.over:
        yield "Over the limit", f"{over.rows:,} of more than {over.limit:,} tokens{_lost(over) if over.rows else ''}"


def _lost(over: Over) -> str:
    return (
        f": where they are cut, {over.cut:,} tokens are lost, up to {over.cut_trained:,} of them trained; "
        f"where they are dropped, {over.dropped:,} and {over.dropped_trained:,}"
    )


def _quantile(share: float, tokens: int) -> str:
    """The largest of the smallest `share` of all."""
    if share == 0:
        return f"at least {tokens:,}"
    return f"at most {tokens:,}" if share == 1 else f"{share:.0%} up to {tokens:,}"
