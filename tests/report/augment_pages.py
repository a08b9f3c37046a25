"""The page of augment, with what the tests want on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dsforge.report.augment_page import augment_page
from dsforge.report.augment_report import AugmentReport, Clusters, Lengths, RowSet, Side
from dsforge.report.histogram import bin_of, empty
from tests.report.pages import HOSTILE


def row_set(categories: dict[str, int], rows: int = 100, distinct: Sequence[float | None] = (0.5, 0.75, 1.0)) -> RowSet:
    bins = empty()
    bins[bin_of(40)] = rows
    side = Side(Lengths(bins, 40, 47), distinct, distinct)
    return RowSet(rows, categories, {"Latin": rows}, side, side)


def page_report(**more: Any) -> AugmentReport:
    given: dict[str, Any] = {
        "before": row_set({"food": 60, "places": 20}), "new": row_set({"places": 30}, 30),
        "after": row_set({"food": 60, "places": 50}, 130), "clusters_before": Clusters(90, 8, 3),
        "clusters_after": Clusters(95, 20, 6), "near": 25, "alike": 0.5, "words": (1200, 3400), "asked": 50,
        "generated": 45, "kept": 30, "dropped": {"too close to the seed": 15}, "failed": 2, "rejected": 1, "unpaid": 3,
        "requests": 60, "spent": Decimal("0.0123"), "currency": "USD", "sources": [("seeds.jsonl", 1500)],
        "run": [("Method", "fill")], "notices": ["a caution"],
        **more,
    }  # fmt: skip
    return AugmentReport(**given)


def hostile_augment_page() -> str:
    """Hostile text in every place that takes text: title, files, categories, scripts, reasons, facts and notices."""
    counts = {text: 90 - number for number, text in enumerate(HOSTILE)}
    hostile = replace(row_set(counts, 5000), scripts=counts)
    pairs = [(text, text) for text in HOSTILE]
    report = page_report(
        before=hostile, new=hostile, after=hostile, dropped=counts, unchanged=counts, currency=HOSTILE[0], run=pairs,
        sources=[(text, 3) for text in HOSTILE], notices=HOSTILE,
    )  # fmt: skip
    return augment_page(f"Report {HOSTILE[2]}", report)
