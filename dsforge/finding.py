"""A finding: what a rule has to say about one place in one row."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Finding(msgspec.Struct, frozen=True):
    """One flaw at one place.

    `row` and `line` count from 1; `column` counts characters from 1; row 0 is the dataset as a whole.
    `pointer` is a JSON Pointer (RFC 6901) into the row. `help` says how to mend it. `fixable` is whether `--fix` can,
    where `unsafe_fix` only with `--unsafe-fixes`. `excerpt` is the text of the row around the place, on one line, and
    `mark` what in it is meant, as `(start, length)` in characters; both may be empty.
    """

    code: str
    name: str
    severity: Severity
    message: str
    path: str
    row: int
    line: int
    column: int
    pointer: str = ""
    help: str = ""
    fixable: bool = False
    unsafe_fix: bool = False
    excerpt: str = ""
    mark: tuple[int, int] = (0, 0)
