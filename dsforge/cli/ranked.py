"""How `dsforge cost` shows all ways to train in one table, writes them as CSV, and says what a budget pays for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dsforge.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsforge.cost.estimate import Estimate
    from dsforge.cost.ranking import Affordable, Ranking, Way


def show_shape(out: Output, estimate: Estimate) -> None:
    """How long the sequences are, and what of them is wasted or lost."""
    shape = estimate.shape
    if shape is None or not shape.quantiles:
        return
    _, half, most, nearly_all, longest = shape.quantiles
    out.say(f"sequences: half within {half:,} tokens, 90% within {most:,}, 99% within {nearly_all:,}, all {longest:,}")
    waste = [f"{each.share:.0%} of batches of {each.batch_size} is padding" for each in shape.padding]
    if packing := shape.packing:
        waste.append(f"packed into {packing.block_tokens:,} tokens {packing.share:.0%} stays empty")
    out.say(f"  {', '.join(waste)}")
    if (over := shape.over) and over.rows:
        out.say(
            f"  over {over.limit:,} tokens: {over.rows:,}; cut, they lose {over.cut:,} tokens, up to "
            f"{over.cut_trained:,} of them trained; dropped, {over.dropped:,}, of them {over.dropped_trained:,} trained"
        )


def show_ranking(out: Output, ranking: Ranking) -> None:
    """The ways in a table, the cheapest first."""
    if len(ranking.ways) < 2:
        return
    out.say()
    out.say(out.style("All ways, the cheapest first", "bold"))
    exchanged = bool(ranking.currency) and ranking.currencies != [ranking.currency]
    header = ["where", "model", "method", "amount", *([f"in {ranking.currency}"] if exchanged else []), "time", ""]
    out.table(header, [_cells(way, exchanged) for way in ranking.ways])
    if not ranking.currency and len(ranking.currencies) > 1:
        first, second = ranking.currencies[:2]
        out.say(
            f"  amounts in {' and '.join(ranking.currencies)} cannot be compared: give --rate {first}/{second}=..., "
            "what one of the first is in the second"
        )


def _cells(way: Way, exchanged: bool) -> list[str]:
    from dsforge.cost.prices import money
    from dsforge.report.cost_report import duration

    amount = "?" if way.amount is None else f"{money(way.amount)} {way.currency}"
    compared = ["" if way.compared is None else money(way.compared)] if exchanged else []
    time = "" if way.hours is None else duration([way.hours])
    remarks = ", ".join(way.marks) if way.fits else "does not fit"
    return [way.where, way.model, way.method, amount, *compared, time, remarks]


def show_budget(out: Output, budget: str, found: Sequence[Affordable], rows: int) -> None:
    """What the budget pays for, where that can be told."""
    known = [each for each in found if each.whole is not None]
    out.say()
    out.say(out.style(f"What {budget} pays for", "bold"))
    out.table(
        ["where", "model", "method", "epochs over all rows", "or the first rows", ""],
        [
            (each.where, each.model, each.method, _known(each.epochs), _known(each.rows),
             "" if each.whole is None else "the whole run" if each.whole else f"of {rows:,}")
            for each in known
        ],
    )  # fmt: skip
    if len(known) < len(found):
        out.say(f"  {len(found) - len(known):,} more cannot be told: no price, or none in a currency with a --rate")


def _known(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def ranking_object(ranking: Ranking, found: Sequence[Affordable]) -> dict[str, Any]:
    """The same for programs."""
    import msgspec

    ways = [
        {**msgspec.structs.asdict(way), "amount": _plain(way.amount), "compared": _plain(way.compared)}
        for way in ranking.ways
    ]
    return {
        "ways": ways, "compared_in": ranking.currency or None, "budget": msgspec.to_builtins(list(found)),
    }  # fmt: skip


def _plain(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, 4))


def capacities() -> dict[str, float]:
    """The GiB of each GPU."""
    from dsforge.targets.load import all_facts
    from dsforge.targets.profile import Gpu

    return {gpu.name: gpu.memory_gib for gpu in all_facts(Gpu)}


def write_csv(path: str, ranking: Ranking) -> None:
    """The ways as CSV, published when it is whole."""
    from dsforge.cost.ranking import as_csv
    from dsforge.io.atomic import atomic_write

    with atomic_write(path) as file:
        file.write(as_csv(ranking).encode())
