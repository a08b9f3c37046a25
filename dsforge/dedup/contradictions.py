"""Rows that ask the same and contradict one another. They are told, and taken out only where that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dsforge.dedup.result import ContradictionKind
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Count, Task
from dsforge.formats.plain import Roles
from dsforge.formats.read import decoder_for
from dsforge.io.arrays import ArrayFolder, mapped
from dsforge.io.rows import parse
from dsforge.similarity.collect import Collected, Reading, asked_and_answered, raw_rows
from dsforge.similarity.compared import Said, said, said_turns
from dsforge.similarity.key import KEY_BYTES, cleaner
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


class _Claim(NamedTuple):
    row: int
    said: Said
    kind: int


_SFT, _PAIR, _TRUE, _FALSE = range(4)
"""Kinds of claims: an answer, a preference, an answer labelled true or false."""

_ASKED_AND_ANSWERED: Roles = ("user", "assistant")
_FEW = 2000  # rows that are not worth tasks of their own


def conflicts(rows: Collected, among: I64) -> list[Conflict]:
    """What contradicts what among these rows, in their order; texts are compared as they were read."""
    again = _asked_again(rows, among)
    by_prompt: defaultdict[bytes, list[_Claim]] = defaultdict(list)
    for claim in _claims(rows, again):
        by_prompt[claim.said.asked].append(claim)
    found = [conflict for claims in by_prompt.values() if len(claims) > 1 for conflict in _of_prompt(claims)]
    return sorted(found, key=lambda conflict: conflict.rows)


def _claims(rows: Collected, among: I64) -> Iterator[_Claim]:
    """What these rows claim; many of them are read again by tasks."""
    tasks = [
        Task(read_claims, (folder, wanted, rows.reading), rows.folder / f"claims-{number:05}", Count)
        for number, (folder, wanted) in enumerate(rows.in_pieces(among))
    ]
    (rows.engine if len(among) > _FEW else Engine()).run_all(tasks)
    numbers = iter(among.tolist())
    for task in tasks:
        keys = mapped(task.output / "said", np.uint8, 3 * KEY_BYTES).tobytes()
        for at, kind in enumerate(mapped(task.output / "kind", np.uint8).tolist()):
            start = at * 3 * KEY_BYTES
            parts = (keys[start + part * KEY_BYTES : start + (part + 1) * KEY_BYTES] for part in range(3))
            yield _Claim(next(numbers), Said(*parts), kind)


def read_claims(folder: Path, rows: I64, reading: Reading, output: Path) -> Count:
    """Write what rows of a folder claim: three keys in `said`, and the `kind`."""
    clean, decode = cleaner(reading.steps), decoder_for(reading.format_name)
    said_of, kinds = [], []
    texts: Iterable[tuple[bytes, bytes] | None] = repeat(None, len(rows))
    if reading.banding is not None and reading.on == "conversation":
        texts = asked_and_answered(folder, rows)
    for raw, both in zip(raw_rows(folder, rows), texts, strict=True):
        if both is not None:
            said_of.append(said_turns(_ASKED_AND_ANSWERED, both))
            kinds.append(_SFT)
            continue
        value, _ = parse(raw)
        if plain := decode.plain(value):
            roles, said_in_turns, _ = plain[1]
            said_of.append(said_turns(roles, [*map(clean, said_in_turns)]))
            kinds.append(_SFT)
            continue
        example = decode(value)[1]
        said_of.append(said(example, clean))
        kinds.append(_PAIR if example.is_preference else {None: _SFT, True: _TRUE, False: _FALSE}[example.label])
    with ArrayFolder(output) as arrays:
        arrays.append("said", b"".join(key for keys in said_of for key in keys))
        arrays.append("kind", bytes(kinds))
    return Count(len(kinds))


def _asked_again(rows: Collected, among: I64) -> I64:
    """Those rows that ask something that another of them asks too."""
    asked = rows.asked[among]
    _, inverse, counts = np.unique(asked, return_inverse=True, return_counts=True)
    again = (counts[inverse] > 1) & (asked != 0)
    asking: I64 = among[again]
    return asking


def _of_prompt(claims: Iterable[_Claim]) -> Iterator[Conflict]:
    pairs: defaultdict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    labelled: defaultdict[bytes, dict[bool, list[int]]] = defaultdict(dict)
    answers: dict[bytes, list[int]] = {}
    for claim in claims:
        if claim.kind == _PAIR:
            pairs[claim.said.answered, claim.said.rejected].append(claim.row)
        elif claim.kind != _SFT:
            labelled[claim.said.answered].setdefault(claim.kind == _TRUE, []).append(claim.row)
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
