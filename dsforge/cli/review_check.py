"""What `review` asks lint: what is wrong with a row, what it would be mended to, and what is wrong among rows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsforge.errors import RowError
from dsforge.finding import Finding
from dsforge.formats.format import get_format
from dsforge.formats.read import decode_row
from dsforge.io.rows import Refused, Row, parse

if TYPE_CHECKING:
    from dsforge.lint.edit import Edit, Splice
    from dsforge.lint.linter import Decoded, Linter


class LintCheck:
    """The default lint rules, or those selected. Any thread may call; another process gets one of its own.

    Raises:
        UsageError: on construction, where `select` or `ignore` names no rule.
    """

    def __init__(self, format: str = "auto", select: Sequence[str] = (), ignore: Sequence[str] = ()) -> None:
        from dsforge.lint.select import select_rules

        if select or ignore:  # to look takes a moment, which the default rules need not
            select_rules(select, ignore)
        self._format, self._select, self._ignore = format, tuple(select), tuple(ignore)
        self._linter: Linter | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        return self._format, self._select, self._ignore

    def __setstate__(self, state: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, number: int, raw: bytes) -> list[Finding]:
        """What is wrong with a row by the rules that concern one row."""
        with self._lock:
            return self._look(number, raw)[0]

    def many(self, rows: Sequence[tuple[int, bytes]]) -> list[list[Finding]]:
        """The findings of each row, many at once."""
        found: dict[int, list[Finding]] = {number: [] for number, _ in rows}
        with self._lock:
            linter = self._ready()
            linter.examples([decoded for number, raw in rows if (decoded := self._decoded(linter, number, raw))])
            for finding in linter.findings:
                found[finding.row].append(finding)
        return list(found.values())

    def mended(self, raw: bytes, code: str = "") -> tuple[bytes, list[str]]:
        """`(the row, the codes mended)` with the fixes that lint offers, those of one rule where a code is given.

        Unsafe ones too: a person looks at what comes of them. The row is as it was where there is nothing to mend.
        """
        from dsforge.lint.edit import Edit, apply_edits, apply_splices

        with self._lock:
            findings, fixes = self._look(1, raw)
        offered = [(findings[at].code, fix) for at, fix in fixes.items() if code in ("", findings[at].code)]
        edits = [(code, fix) for code, fix in offered if isinstance(fix, Edit)]
        if edits:
            changed, made = apply_edits(raw, [fix for _, fix in edits])
            return changed, sorted({edits[at][0] for at in made})
        splices = [(code, fix) for code, fix in offered if not isinstance(fix, Edit)]
        text, made = apply_splices(raw.decode("utf-8", "surrogateescape"), [fix for _, fix in splices])
        return text.encode("utf-8", "surrogateescape"), sorted({splices[at][0] for at in made})

    def whole(self, path: str) -> list[Finding]:
        """What is wrong with rows among the others: duplicates, conflicts, outliers. Takes its time."""
        from dsforge.lint.facts import Settings
        from dsforge.lint.rule import DatasetRule
        from dsforge.lint.run import lint
        from dsforge.lint.select import select_rules

        codes = [rule.code for rule in select_rules(self._select, self._ignore) if isinstance(rule, DatasetRule)]
        if not codes:
            return []
        result = lint([path], select=codes, settings=Settings(format=self._format))
        return [each for each in result.findings if each.row]

    def _look(self, number: int, raw: bytes) -> tuple[list[Finding], dict[int, Edit | Splice]]:
        linter = self._ready()
        if decoded := self._decoded(linter, number, raw):
            linter.examples([decoded])
        return list(linter.findings), dict(linter.fixes)

    def _decoded(self, linter: Linter, number: int, raw: bytes) -> Decoded | None:
        """A row for the rules to look at; None where it cannot be read, which the linter is told of."""
        from dsforge.lint.linter import Decoded
        from dsforge.lint.waiver import take_waiver

        value, problems = parse(raw, strict=True)
        if problems:
            linter.refused(Refused(number, 1, 0, raw, problems))
            return None
        row, waived = Row(number, 1, 0, raw, value), take_waiver(value)
        try:
            fmt, example = decode_row(value, self._forced)
        except RowError as error:
            linter.undecodable(row, error, waived)
            return None
        return Decoded(row, fmt, example, waived)

    def _ready(self) -> Linter:
        """The linter, without what it found before: a file has an end, a page has none."""
        from dsforge.lint.facts import Settings
        from dsforge.lint.linter import Linter
        from dsforge.lint.select import select_rules

        if self._linter is None:
            rules = select_rules(self._select, self._ignore)
            self._forced = None if self._format == "auto" else get_format(self._format)
            self._linter = Linter("", rules, None, Settings(format=self._format))
        self._linter.take()
        return self._linter
