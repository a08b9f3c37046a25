"""Rows that ask the same and contradict one another. They are told, and taken out only where that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dsforge.dedup.result import ContradictionKind
from dsforge.similarity.collect import Collected
from dsforge.similarity.compared import Said, said
from dsforge.similarity.key import Clean
from dsforge.similarity.shingle import F64, I64


@dataclass(frozen=True)
class Conflict:
    """Rows that contradict one another."""

    kind: ContradictionKind
    rows: list[int]

    def to_drop(self, values: F64 | None) -> list[int]:
        """The rows to take out: of several answers all but the one worth most, else all, for either may be wrong."""
        if self.kind != "answers":
            return self.rows
        best = max(self.rows, key=lambda row: (values[row], -row)) if values is not None else self.rows[0]
        return [row for row in self.rows if row != best]


@dataclass(frozen=True)
class _Claim:
    row: int
    said: Said
    is_pair: bool
    label: bool | None


def conflicts(rows: Collected, among: I64, clean: Clean) -> list[Conflict]:
    """What contradicts what among these rows, in their order; texts are compared as they are made `clean`."""
    by_prompt: defaultdict[bytes, list[_Claim]] = defaultdict(list)
    for row in _asked_again(rows, among):
        example = rows.example(row)
        claim = _Claim(row, said(example, clean), example.is_preference, example.label)
        by_prompt[claim.said.asked].append(claim)
    found = [conflict for claims in by_prompt.values() if len(claims) > 1 for conflict in _of_prompt(claims)]
    return sorted(found, key=lambda conflict: conflict.rows)


def _asked_again(rows: Collected, among: I64) -> list[int]:
    """Those rows that ask something that another of them asks too."""
    asked = rows.asked[among]
    _, inverse, counts = np.unique(asked, return_inverse=True, return_counts=True)
    again = (counts[inverse] > 1) & (asked != 0)
    asking: list[int] = among[again].tolist()
    return asking


def _of_prompt(claims: Iterable[_Claim]) -> Iterator[Conflict]:
    pairs: defaultdict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    labelled: defaultdict[bytes, dict[bool, list[int]]] = defaultdict(dict)
    answers: dict[bytes, list[int]] = {}
    for claim in claims:
        if claim.is_pair:
            pairs[claim.said.answered, claim.said.rejected].append(claim.row)
        elif claim.label is not None:
            labelled[claim.said.answered].setdefault(claim.label, []).append(claim.row)
        else:
            answers.setdefault(claim.said.answered, []).append(claim.row)
    for (chosen, rejected), there in pairs.items():
        back = pairs.get((rejected, chosen), [])
        if back and chosen != rejected and there[0] < back[0]:
            yield Conflict("swapped", sorted(there + back))
    for by_label in labelled.values():
        if len(by_label) > 1:
            yield Conflict("labels", sorted(by_label[True] + by_label[False]))
    if len(answers) > 1:
        yield Conflict("answers", sorted(row for rows in answers.values() for row in rows))
