"""How far annotators agree: Cohen's kappa for two, Krippendorff's alpha for all, over the rows that several judged."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

from dsforge.extras import require
from dsforge.review.record import ReviewedRow
from dsforge.review.state import VERDICTS, RowState


class Pair(msgspec.Struct, frozen=True):
    """Two annotators: the rows that both judged, the share of them on which they say the same, and Cohen's kappa.

    `kappa` is None where it says nothing: without common rows, or where both gave but one and the same verdict.
    """

    one: str
    other: str
    rows: int
    same: float
    kappa: float | None


class Agreement(msgspec.Struct, frozen=True):
    """Agreement over the rows that two annotators or more judged.

    `alpha` is Krippendorff's, of the verdicts, as names without order; `scores` gives it for each criterion of the
    rubric, as numbers. None where it says nothing.
    """

    rows: int
    pairs: list[Pair]
    alpha: float | None
    scores: dict[str, float | None]


def verdict_of(state: RowState) -> str | None:
    """What an annotator says of a row, as a name: the better answer, the ranking, or the verdict; None for nothing."""
    if state.order:
        return " > ".join(map(str, state.order))
    if state.choice:
        return state.choice
    return state.status if state.status in VERDICTS else None


def agreement(rows: Sequence[ReviewedRow]) -> Agreement:
    """The agreement over rows; those that fewer than two judged count for nothing.

    Raises:
        MissingExtraError: krippendorff or scikit-learn is not installed.
    """
    verdicts = [{name: said for name, state in row.states.items() if (said := verdict_of(state))} for row in rows]
    common = [each for each in verdicts if len(each) > 1]
    names = sorted({name for each in common for name in each})
    criteria = sorted({name for row in rows for state in row.states.values() for name in state.scores})
    marks = {
        criterion: [
            {name: s.scores[criterion] for name, s in row.states.items() if criterion in s.scores} for row in rows
        ]
        for criterion in criteria
    }
    return Agreement(
        len(common),
        [_pair(one, other, common) for one, other in combinations(names, 2)],
        alpha(common, "nominal"),
        {criterion: alpha(given, "interval") for criterion, given in marks.items()},
    )


def _pair(one: str, other: str, verdicts: Sequence[Mapping[str, str]]) -> Pair:
    both = [(each[one], each[other]) for each in verdicts if one in each and other in each]
    same = sum(first == second for first, second in both)
    return Pair(one, other, len(both), same / len(both) if both else 0.0, kappa(both))


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of verdicts given in pairs.

    None where it says nothing: where both gave but one and the same verdict, or none.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    if len({verdict for pair in pairs for verdict in pair}) < 2:
        return None
    metrics = require("sklearn.metrics", "review", "agreement among annotators")
    first, second = zip(*pairs, strict=True)
    return float(metrics.cohen_kappa_score(first, second))


def alpha(rows: Sequence[Mapping[str, str | float]], level: str) -> float | None:
    """Krippendorff's alpha; `rows` gives what each annotator said of a row, `level` is "nominal" or "interval".

    None where it says nothing: fewer than two values in the rows that several judged.
    """
    common = [each for each in rows if len(each) > 1]
    values = sorted({value for each in common for value in each.values()}, key=str)
    if len(values) < 2:
        return None
    library = require("krippendorff", "review", "agreement among annotators")
    names = sorted({name for each in common for name in each})
    as_number = {value: float(value) if level == "interval" else float(at) for at, value in enumerate(values)}
    table = [[as_number[each[name]] if name in each else float("nan") for each in common] for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN is how it is told of what was not judged
        return float(library.alpha(reliability_data=table, level_of_measurement=level))
