"""Runs rules over files: a pass over the rows, chunk by chunk, then the dataset rules over the facts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from dsforge.engine.chunks import Chunk, plan_chunks
from dsforge.engine.local import local_executor
from dsforge.engine.plan import Task, run_stage
from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.finding import Finding
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import array_is_row, decode_row
from dsforge.io.expand import expand_sources
from dsforge.io.locate import locate
from dsforge.io.rows import Flaw, Refused, Row, RowReader
from dsforge.lint.collect import Collector
from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import BytesRule, DatasetRule, ExampleRule, Report, Rule, all_rules
from dsforge.lint.select import select_rules


class LintResult(msgspec.Struct):
    """What lint found. `rows_rejected` are rows that could not be decoded; each has a finding. `notices` say how the
    files were read.

    Conservation: rows_in = rows_out + rows_rejected.
    """

    findings: list[Finding] = []
    rows_in: int = 0
    rows_rejected: int = 0
    formats: dict[str, int] = {}
    notices: list[str] = []

    @property
    def rows_out(self) -> int:
        """Rows that decoded, and so were checked by every rule."""
        return self.rows_in - self.rows_rejected

    @property
    def counts(self) -> dict[str, int]:
        """Findings by code."""
        return dict(sorted(Counter(finding.code for finding in self.findings).items()))


class _Part(msgspec.Struct):
    """What one chunk gave, numbers counted from its beginning."""

    result: LintResult
    facts: Facts
    lines: int


class _Counts(msgspec.Struct):
    rows_in: int


class _Here(NamedTuple):
    """The row at hand."""

    row: Row
    format: Format
    example: Example

    def pointer(self, message: int) -> str:
        """Where the text of a message stands, counted over messages, chosen and rejected."""
        places = self.format.places(self.row.value, self.example)
        return places[message] if message < len(places) else ""


class _Linter:
    """Runs the selected rules on what the reader hands out; makes findings."""

    def __init__(self, path: str, rules: Sequence[Rule]) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self._selected = {rule.code: rule for rule in rules}
        self._by_kind = {kind: rule for rule in rules if isinstance(rule, BytesRule) for kind in rule.kinds}
        self._checks = [(rule.check, self._report_as(rule)) for rule in rules if isinstance(rule, ExampleRule)]
        self._here: _Here | None = None

    def _report_as(self, rule: Rule) -> Report:
        def report(message: str, at: int | str = "", help: str = "") -> None:
            assert self._here is not None
            row = self._here.row
            pointer = at if isinstance(at, str) else self._here.pointer(at)
            self._add(rule, message, help, row.number, row.place(*locate(row.raw, pointer)), pointer)

        return report

    def _add(self, rule: Rule, message: str, help: str, row: int, place: tuple[int, int], pointer: str = "") -> None:
        self.findings.append(
            Finding(rule.code, rule.name, rule.severity, message, self.path, row, *place, pointer, help)
        )

    def refused(self, row: Refused) -> None:
        """Findings of a row that is not valid JSON."""
        for problem in row.problems:
            if rule := self._by_kind.get(problem.kind):
                self._add(rule, problem.message, problem.help, row.number, row.place(problem), problem.pointer)

    def flaw(self, flaw: Flaw) -> None:
        """The finding of a mistake between rows."""
        if rule := self._by_kind.get(flaw.kind):
            self._add(rule, flaw.message, flaw.help, 0, (flaw.line, flaw.column))

    def undecodable(self, row: Row, error: RowError) -> None:
        """The finding of a row that is not what its format says, unless its rule was not selected."""
        if rule := self._selected.get(error.code):
            place = row.place(*locate(row.raw, error.pointer))
            self._add(rule, error.reason, "", row.number, place, error.pointer)

    def example(self, row: Row, fmt: Format, example: Example) -> None:
        """Run every example rule on a row that decoded."""
        self._here = _Here(row, fmt, example)
        for check, report in self._checks:
            check(example, report)


def _lint_rows(chunk: Chunk, rules: Sequence[Rule], settings: Settings) -> _Part:
    forced = None if settings.format == "auto" else get_format(settings.format)
    is_row = partial(array_is_row, path=chunk.source, fmt=forced)
    reader = RowReader(chunk.source, strict=True, start=chunk.start, end=chunk.end, array_is_row=is_row)
    linter = _Linter(reader.path, rules)
    needs = frozenset(need for rule in rules if isinstance(rule, DatasetRule) for need in rule.needs)
    collector = Collector(reader.path, needs, settings)
    result = LintResult()
    formats: Counter[str] = Counter()
    for row in reader:
        result.rows_in += 1
        if isinstance(row, Refused):
            linter.refused(row)
            result.rows_rejected += 1
            continue
        try:
            fmt, example = decode_row(row.value, forced)
        except RowError as error:
            linter.undecodable(row, error)
            result.rows_rejected += 1
            continue
        formats[fmt.name] += 1
        linter.example(row, fmt, example)
        collector.add(row, fmt.name, example)
    for flaw in reader.flaws:
        linter.flaw(flaw)
    result.findings, result.formats, result.notices = linter.findings, dict(formats), list(reader.notices)
    return _Part(result, collector.finish(), reader.lines)


def lint_chunk(chunk: Chunk, codes: tuple[str, ...], settings: Settings, output: Path) -> _Counts:
    """Lint one chunk; findings and facts go to `output` as msgpack."""
    rules = [all_rules()[code] for code in codes]
    part = _lint_rows(chunk, rules, settings)
    output.write_bytes(msgspec.msgpack.encode(part))
    return _Counts(part.result.rows_in)


def _merge(chunks: list[Chunk], parts: list[_Part]) -> tuple[LintResult, Facts]:
    """One result and one table of facts, with rows and lines counted from the beginning of each file."""
    total, facts = LintResult(), Facts()
    rows = lines = 0
    for chunk, part in zip(chunks, parts, strict=True):
        if chunk.start == 0:
            rows = lines = 0
        for finding in part.result.findings:
            moved = {"row": finding.row + rows if finding.row else 0, "line": finding.line + lines}
            total.findings.append(msgspec.structs.replace(finding, **moved) if rows or lines else finding)
        facts.extend(part.facts, rows, lines)
        rows += part.result.rows_in
        lines += part.lines
        total.rows_in += part.result.rows_in
        total.rows_rejected += part.result.rows_rejected
        total.formats = dict(Counter(total.formats) + Counter(part.result.formats))
        total.notices += [notice for notice in part.result.notices if notice not in total.notices]
    return total, facts


def _judge(rules: Sequence[Rule], facts: Facts, settings: Settings, first_path: str) -> list[Finding]:
    """The findings of the dataset rules."""
    findings: list[Finding] = []
    for rule in rules:
        if not isinstance(rule, DatasetRule):
            continue

        def report(message: str, index: int | None = None, help: str = "", rule: Rule = rule) -> None:
            place = (first_path, 0, 1, 1)
            if index is not None:
                place = facts.path[index], facts.row[index], facts.line[index], facts.column[index]
            findings.append(Finding(rule.code, rule.name, rule.severity, message, *place, "", help))

        rule.check(facts, settings, report)
    return findings


def lint(
    sources: Sequence[str | Path],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    settings: Settings | None = None,
    workers: int = 1,
) -> LintResult:
    """Check the rows of `sources`, taken as one dataset. The findings stand in the order of the files.

    Raises:
        InputError: a file that cannot be read as rows.
        UsageError: no such rule or format.
    """
    settings = settings or Settings()
    if settings.format != "auto":
        get_format(settings.format)
    names = expand_sources(map(str, sources))
    rules = select_rules(select, ignore)
    chunks = [chunk for name in names for chunk in plan_chunks(name, workers)]
    if len(chunks) == 1:
        parts = [_lint_rows(chunks[0], rules, settings)]
    else:
        parts = _run_chunks(chunks, tuple(rule.code for rule in rules), settings, workers)
    result, facts = _merge(chunks, parts)
    result.findings += _judge(rules, facts, settings, names[0])
    order = {name: index for index, name in enumerate(names)}
    result.findings.sort(key=lambda found: (order.get(found.path, 0), found.line, found.column, found.code))
    return result


def _run_chunks(chunks: list[Chunk], codes: tuple[str, ...], settings: Settings, workers: int) -> list[_Part]:
    with tempfile.TemporaryDirectory(prefix="dsforge-lint-") as folder:
        tasks = [
            Task(lint_chunk, (chunk, codes, settings), Path(folder) / f"{index:05}", _Counts)
            for index, chunk in enumerate(chunks)
        ]
        run_stage(tasks, local_executor(workers, len(tasks)))
        return [msgspec.msgpack.decode(task.output.read_bytes(), type=_Part) for task in tasks]
