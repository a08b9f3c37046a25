"""What `augment` asks lint: that no new row has an error, and what is wrong with the rows that are to be mended."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from msgspec import ValidationError, convert

from dsforge.augment.method import FINDINGS, get_method
from dsforge.augment.seeds import Find, Found
from dsforge.errors import InputError, RowError, UsageError
from dsforge.example import JSON, Example
from dsforge.finding import Finding
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format
from dsforge.formats.read import ExampleReader
from dsforge.io.rows import Row
from dsforge.lint.linter import Decoded, Linter
from dsforge.lint.rule import ExampleRule, Rule
from dsforge.lint.select import select_rules

if TYPE_CHECKING:
    from dsforge.augment.seeds import Seed
    from dsforge.augment.wish import Wish

MENDED = ("Q", "L")
"""The families of rules whose findings a model can mend by writing a text anew: quality, and answers that are cut off.
What the structure of a row lacks `lint --fix` mends, and personal data are not sent to a server unasked."""


def gate_for(wish: Wish, source: str, select: str, findings: str) -> tuple[LintGate, Find | None]:
    """What checks the new rows, and what tells what is wrong with seeds (None where the method mends nothing).

    Raises:
        UsageError: `select` or `findings` is given to another method, or names no rule.
        InputError: `findings` is not what `lint --json` writes.
    """
    if FINDINGS not in get_method(wish.method).options:
        for option, given in (("--select", select), ("--findings", findings)):
            if given:
                raise UsageError(f"{option} is nothing that {wish.method} takes: leave it out")
        return LintGate(), None
    codes = [word.strip() for word in select.split(",") if word.strip()]
    gate = LintGate(mends=True, select=codes)
    return gate, (found_in(findings, source, gate.mended) if findings else gate.find)


def found_in(path: str, source: str, codes: Container[str]) -> Find:
    """What `lint --json` wrote of `source` into the file `path`, of the rules `codes`.

    Raises:
        InputError: it is no such file, or says nothing of `source`.
    """
    try:
        written: JSON = orjson.loads(Path(path).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"--findings {path} cannot be read: {error}") from error
    found: dict[int, list[Found]] = {}
    others = False
    try:
        for each in written["findings"]:
            finding = convert(each, Finding)
            if Path(finding.path).resolve() != Path(source).resolve():
                others = True
            elif finding.code in codes:
                found.setdefault(finding.row, []).append(Found(finding.code, finding.name, finding.message))
    except (KeyError, TypeError, ValidationError) as error:
        raise InputError(f"--findings {path} is not what dsforge lint --json writes: {error}") from error
    if others and not found:
        raise InputError(f"--findings {path} says nothing of {source} that can be mended ({', '.join(MENDED)} rules)")
    return lambda row, fmt, example: found.get(row.number, [])


def text_of_file(path: str, option: str) -> str:
    """The text of a small file, "" where none is named; InputError where it cannot be read."""
    if not path:
        return ""
    try:
        text = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{option} {path} cannot be read: {error}") from error
    if not text:
        raise InputError(f"{option} {path} is empty")
    return text


class LintGate:
    """The rules that concern one row: those of severity error for every row, and with `mends` those selected for rows
    to be mended (none selected: the default ones of `MENDED`).

    Raises:
        UsageError: on construction, where `select` names no rule.
    """

    def __init__(self, mends: bool = False, select: Sequence[str] = ()) -> None:
        rules = {rule.code: rule for rule in select_rules() if rule.severity == "error"}
        chosen: list[Rule] = []
        if mends:
            chosen = select_rules(select) if select else [r for r in select_rules() if r.code.startswith(MENDED)]
        mended = {rule.code: rule for rule in chosen if isinstance(rule, ExampleRule)}
        self.mended = frozenset(mended)
        self._linter = Linter("", [rule for _, rule in sorted((rules | mended).items())])

    def __call__(self, fmt: Format, value: JSON, raw: bytes, before: Seed | None = None) -> str:
        """The verdict on a row as it would be written: its value, and its bytes; `before` is the row it mends."""
        try:
            example = fmt.decode(value)
        except RowError as error:
            return f"lint: {error.code} {error.reason}"
        findings = self._findings(Row(1, 1, 0, raw, value), fmt, example)
        known: set[str] = set()
        if before is not None:
            wrong = {found.code for found in before.found}
            if left := [finding for finding in findings if finding.code in wrong]:
                return f"lint: still {left[0].code} {left[0].name}"
            known = {finding.code for finding in self._findings(before.row, before.fmt, before.example)}
        errors = [finding for finding in findings if finding.severity == "error" and finding.code not in known]
        return f"lint: {errors[0].code} {errors[0].name}" if errors else ""

    def check_seed(self, row: Row, fmt: Format, example: Example) -> str:
        """The first error in a row, "" for none."""
        found = self._findings(row, fmt, example)
        return next((f"{each.code} {each.message}" for each in found if each.severity == "error"), "")

    def check_seeds(self, path: str, format_name: str) -> None:
        """InputError where rows of a file have errors, those that cannot be decoded among them."""
        reader = ExampleReader(path, format_name, strict=True)
        faulty, first = 0, (0, "")
        for row, example in reader:
            fmt = reader.format or detect_row(row.value)
            assert fmt is not None  # it was decoded
            if reason := self.check_seed(row, fmt, example):
                faulty += 1
                first = first if first[0] else (row.line, reason)
        if reader.rejects and (not first[0] or reader.rejects[0].line < first[0]):
            first = reader.rejects[0].line, f"{reader.rejects[0].code} {reader.rejects[0].reason}"
        if count := faulty + len(reader.rejects):
            raise InputError(
                f"{path}: {count:,} of {reader.rows_in:,} rows have errors, the first in line {first[0]}: {first[1]}; "
                f"mend them (dsforge lint {path}), or leave them out by --skip-faulty"
            )

    def find(self, row: Row, fmt: Format, example: Example) -> list[Found]:
        """What is wrong with a row by the rules selected."""
        return [
            Found(finding.code, finding.name, finding.message)
            for finding in self._findings(row, fmt, example)
            if finding.code in self.mended
        ]

    def _findings(self, row: Row, fmt: Format, example: Example) -> list[Finding]:
        self._linter.examples([Decoded(row, fmt, example)])
        return self._linter.take()
