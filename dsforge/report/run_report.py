"""What the page about a run, and the one that compares several, are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Curve(NamedTuple):
    """Values over steps, under a word."""

    word: str
    points: Sequence[tuple[int, float]]


class Chart(NamedTuple):
    """Curves over the same steps; `unit` is what stands at the upright axis."""

    title: str
    unit: str
    curves: Sequence[Curve]
    said: str = ""


class Rows(NamedTuple):
    """A file of rows: what for (training, validation), and how many became what."""

    use: str
    path: str
    used: int
    rejected: int
    over_length: int
    tokens: int
    trained: int
    cut: int
    sha256: str


class Refused(NamedTuple):
    """Rows that were rejected, by code, with the reason of the first."""

    code: str
    rows: int
    reason: str


class Measured(NamedTuple):
    """A measure of the base model and of the trained one, and their difference, in words with their intervals."""

    name: str
    base: str
    trained: str
    difference: str
    verdict: str


class Answered(NamedTuple):
    """A row with the answers of both models; `before` and `reference` are None where there is none."""

    row: int
    prompt: str
    reference: str | None
    before: str | None
    after: str


@dataclass(frozen=True)
class RunReport:
    """A run: the counts to be seen first, each with its word, and what stands in each section, in order."""

    name: str
    tiles: Sequence[tuple[str, int | str]]
    charts: Sequence[Chart]
    rows: Sequence[Rows]
    refused: Sequence[Refused]
    measured: Sequence[Measured]
    measured_over: str
    answered: Sequence[Answered]
    answered_of: str
    commands: Sequence[tuple[str, str]]
    settings: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


class Axis(NamedTuple):
    """An axis of a parallel-coordinates chart: each run's value, None where it has none; texts are categories."""

    name: str
    values: Sequence[float | str | None]


@dataclass(frozen=True)
class RunsReport:
    """Several runs: a table (`heads`, and a line for each), the axes that tell them apart, and their losses.

    `ranked` are the runs' values of the last axis on a scale from 0 (best) to 1, for their colour; None where unknown.
    """

    title: str
    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    names: Sequence[str]
    axes: Sequence[Axis]
    ranked: Sequence[float | None]
    charts: Sequence[Chart]
    notes: Sequence[str] = ()
