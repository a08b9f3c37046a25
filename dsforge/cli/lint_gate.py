"""What `augment` asks of every new row before it is kept: that lint finds no error in it."""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import JSON
from dsforge.formats.format import Format
from dsforge.io.rows import Row
from dsforge.lint.linter import Decoded, Linter
from dsforge.lint.select import select_rules


class LintGate:
    """Says which error the rules that concern one row find first, "" where they find none."""

    def __init__(self) -> None:
        self._linter = Linter("", [rule for rule in select_rules() if rule.severity == "error"])

    def __call__(self, fmt: Format, value: JSON, raw: bytes) -> str:
        """The verdict on a row as it would be written: its value, and its bytes."""
        try:
            example = fmt.decode(value)
        except RowError as error:
            return f"lint: {error.code} {error.reason}"
        self._linter.examples([Decoded(Row(1, 1, 0, raw, value), fmt, example)])
        errors = [f"lint: {finding.code} {finding.name}" for finding in self._linter.findings]
        self._linter.findings.clear()
        self._linter.fixes.clear()
        return errors[0] if errors else ""
