"""What a trainer would make of each row, told before any GPU time: kept, changed, cut, untrained, dropped, or the end.

The rules find what is in a row, the target's profile says by its `effects` what becomes of it. Of several effects on
one row the worst is what happens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from dsforge.lint.facts import Facts
from dsforge.lint.rule import BytesRule, DatasetRule, DecodingRule, all_rules
from dsforge.lint.run import LintResult
from dsforge.lint.target import tokens_cut_off

if TYPE_CHECKING:
    from dsforge.finding import Finding
    from dsforge.targets.constraints import Effect
    from dsforge.targets.profile import Target

EFFECTS: Mapping[Effect, str] = {
    "kept": "trained as they stand",
    "changed": "trained, but not as they stand",
    "cut": "cut off at the limit",
    "untrained": "kept, and not one token of them trained",
    "dropped": "left out, mostly without a word",
    "stops": "not taken: the run or the upload ends there",
}
"""What may become of a row, the worst last."""
_ORDER: list[Effect] = list(EFFECTS)
_RANK: dict[str, int] = {effect: rank for rank, effect in enumerate(_ORDER)}
_UNSEEN = "BDPQ"
"""Families of rules that ask what rows say, taken singly or together."""
_OVER_LIMIT: Mapping[str, Effect] = {"drop": "dropped", "truncate": "cut"}


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of a row, and the finding that says why.

    `rows` is how many rows it is told for: one, or all that a finding is true of which is told once, at the first of
    them. Row 0 is the dataset as a whole, or a place between rows: what ends there ends for every row of the file.
    """

    path: str
    row: int
    line: int
    effect: Effect
    code: str
    message: str
    pointer: str
    rows: int = 1


class TrainedTokens(msgspec.Struct, frozen=True):
    """The tokens of answers in the rows that could be read, and how many of them are not trained.

    They are counted by `tokenizer` in the text alone, of a pair in the longer of its answers. `at_most` is whether
    `lost` is a bound: where a row of several answers is cut, it is not known how much of each goes.
    """

    total: int
    lost: int
    at_most: bool
    tokenizer: str


class DryRun(msgspec.Struct):
    """The rows by what becomes of them, and each row that is not simply kept, in the order of the files.

    What is told once for many rows comes first. `unread` are rows that could not be read and of which no finding tells,
    for its rule was not asked. `tokens` is None where none were counted.
    """

    target: str
    rows: int
    counts: dict[Effect, int]
    outcomes: list[Outcome]
    unread: int = 0
    tokens: TrainedTokens | None = None

    @property
    def verdict(self) -> str:
        """What comes of it all, in a sentence."""
        end = next((outcome for outcome in self.outcomes if outcome.effect == "stops"), None)
        if end is not None:
            return f"{self.target} would train nothing before this is mended: {end.message} ({end.code})"
        trained = self.counts["kept"] + self.counts["changed"] + self.counts["cut"]
        return f"{self.target} would learn from {trained:,} of {self.rows:,} row{'' if self.rows == 1 else 's'}"

    def told(self, outcome: Outcome) -> str:
        """Which rows an outcome is about, and what becomes of them: `row 3 dropped`, `all 12 rows stop`."""
        if outcome.rows == 0:
            return f"line {outcome.line:,} {outcome.effect}"
        if outcome.rows == 1:
            return f"row {max(outcome.row, 1):,} {outcome.effect}"
        effect = outcome.effect.removesuffix("s")
        if outcome.rows == self.rows or not outcome.row:
            return f"all {outcome.rows:,} rows{'' if outcome.rows == self.rows else ' of the file'} {effect}"
        return f"row {outcome.row:,} and {outcome.rows - 1:,} more {effect}"


def effect_of(finding: Finding, target: Target) -> Effect:
    """What a finding means for its row: said by code and place, by code, else by family, which is said of errors alone.

    Of an error that is not spoken of, the run ends; but no trainer looks at what rows say, or whether they repeat, and
    what becomes of a row that is too long is said elsewhere in the profile.
    """
    effects, place = target.effects, finding.pointer
    if effects and place and finding.message.startswith(f"{place} is "):
        found = finding.message.partition(";")[0]
        if said := effects.get(finding.code + found):
            return said
    while place:
        if said := effects.get(finding.code + place):
            return said
        place = place.rpartition("/")[0]
    if said := effects.get(finding.code) or (effects.get(finding.code[0]) if finding.severity == "error" else None):
        return said
    if finding.code == "L301" and target.over_limit in _OVER_LIMIT:
        return _OVER_LIMIT[target.over_limit]
    return "stops" if finding.severity == "error" and finding.code[0] not in _UNSEEN else "kept"


class _Rows:
    """The worst that becomes of each row: by index of those that decoded, by file and number of others."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.decoded = bytearray(len(facts))
        self.others: dict[tuple[str, int], int] = {}
        self.all = 0
        self.files: dict[str, int] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        at = 0
        for path, rows in groupby(facts.path):
            end = at + sum(1 for _ in rows)
            self._spans[path] = at, end
            at = end

    def _index(self, path: str, row: int) -> int | None:
        start, end = self._spans.get(path, (0, 0))
        at = bisect_left(self.facts.row, row, start, end)
        return at if at < end and self.facts.row[at] == row else None

    def rank(self, path: str, row: int) -> int:
        """How bad it is, for one row."""
        at = self._index(path, row)
        of_row = self.others.get((path, row), 0) if at is None else self.decoded[at]
        return max(self.all, self.files.get(path, 0), of_row)

    def note(self, path: str, row: int, rank: int) -> None:
        """Something becomes of one row."""
        at = self._index(path, row)
        if at is None:
            self.others[path, row] = max(rank, self.others.get((path, row), 0))
        else:
            self.decoded[at] = max(rank, self.decoded[at])

    def note_each(self, indexes: Iterable[int], rank: int) -> None:
        """Something becomes of many rows that decoded."""
        for at in indexes:
            if self.decoded[at] < rank:
                self.decoded[at] = rank

    def of_file(self, path: str) -> int:
        """How many rows of a file are known."""
        start, end = self._spans.get(path, (0, 0))
        return end - start + sum(name == path for name, _ in self.others)

    def settle(self) -> None:
        """Give what becomes of whole files to their rows, once everything is noted."""
        for path, rank in self.files.items():
            self.note_each(range(*self._spans.get(path, (0, 0))), rank)
        self.others = {place: max(rank, self.files.get(place[0], 0)) for place, rank in self.others.items()}

    def count(self, rows: int) -> tuple[dict[Effect, int], int]:
        """`(rows by effect, rows of which nothing is known)`, of all the rows there are."""
        ranks = Counter(max(rank, self.all) for rank in self.others.values())
        for rank, number in Counter(self.decoded).items():
            ranks[max(rank, self.all)] += number
        unknown = rows - ranks.total()
        if self.all:
            ranks[self.all] += unknown
            unknown = 0
        return {effect: ranks[rank] for rank, effect in enumerate(_ORDER)}, unknown


def dry_run(result: LintResult, target: Target, max_tokens: int | None = None) -> DryRun:
    """What `target` would make of the rows that were checked for it, cut at `max_tokens` where that is known."""
    rules = all_rules()
    rows = _Rows(result.facts or Facts())
    once = {finding.code for finding in result.told_once}
    of_many: dict[Outcome, Iterable[int]] = {}
    of_one: dict[tuple[str, int], Outcome] = {}
    for finding in result.findings:
        rule, effect = rules[finding.code], effect_of(finding, target)
        rank = _RANK[effect]
        if finding.row and isinstance(rule, (BytesRule, DecodingRule)):
            rows.note(finding.path, finding.row, rank)  # the row is told of, if nothing becomes of it
        if effect == "kept":
            continue
        if finding.row == 0 and isinstance(rule, DatasetRule):
            rows.all = max(rows.all, rank)
            of_many[_outcome(finding, effect, result.rows_in)] = ()
        elif finding.row == 0:
            if effect == "stops":
                rows.files[finding.path] = rank
            of_many[_outcome(finding, effect, 0)] = ()
        elif finding.code in once and (concerned := result.told_once.get(finding)) is not None:
            rows.note_each(concerned, rank)
            of_many[_outcome(finding, effect, len(concerned))] = concerned
        else:
            rows.note(finding.path, finding.row, rank)
            place = finding.path, finding.row
            if place not in of_one or _RANK[of_one[place].effect] < rank:
                of_one[place] = _outcome(finding, effect, 1)
    rows.settle()
    counts, unread = rows.count(result.rows_in)
    outcomes = [
        replace(outcome, rows=rows.of_file(outcome.path))
        if outcome.rows == 0 and outcome.effect == "stops"
        else outcome
        for outcome, concerned in of_many.items()
        if _happens(outcome, concerned, rows)
    ]
    outcomes += [outcome for place, outcome in of_one.items() if rows.rank(*place) == _RANK[outcome.effect]]
    ends = any(outcome.effect == "stops" for outcome in outcomes)
    tokens = _trained_tokens(rows, target, max_tokens, ends)
    return DryRun(target.called, result.rows_in, counts, outcomes, unread, tokens)


def _outcome(finding: Finding, effect: Effect, rows: int) -> Outcome:
    return Outcome(
        finding.path, finding.row, finding.line, effect, finding.code, finding.message, finding.pointer, rows
    )


def _happens(outcome: Outcome, concerned: Iterable[int], rows: _Rows) -> bool:
    """Whether what is told of many rows is the worst that becomes of one of them."""
    rank = _RANK[outcome.effect]
    if outcome.rows == 0:
        return True
    if outcome.row == 0:
        return rank == rows.all
    return rank >= rows.all and any(rows.decoded[at] == rank for at in concerned)


def _trained_tokens(rows: _Rows, target: Target, limit: int | None, ends: bool) -> TrainedTokens | None:
    """The tokens of answers that were counted, and how many of them are not trained: all, where the run ends."""
    facts = rows.facts
    if limit is None or not facts.tokens:
        return None
    total = lost = 0
    at_most = False
    for at, tokens in enumerate(facts.tokens):
        trained = tokens - facts.prompt_tokens[at]
        total += trained
        rank = max(rows.decoded[at], rows.all)
        if ends or rank >= _RANK["untrained"]:
            lost += trained
        elif rank == _RANK["cut"] and tokens > limit:
            gone = tokens_cut_off(facts.prompt_tokens[at], trained, limit, target, facts.answers[at])
            lost += gone
            at_most = at_most or (facts.answers[at] != 1 and gone > 0)
    return TrainedTokens(total, lost, at_most, facts.tokenizer)
