"""Runs rules over files: a pass over the rows, chunk by chunk, then the dataset rules over the facts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dsforge.engine.chunks import Chunk, pieces_for, plan_chunks
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Task
from dsforge.errors import RowError
from dsforge.finding import Finding, Severity
from dsforge.formats.format import get_format
from dsforge.formats.read import RowDecoder, array_is_row
from dsforge.io.expand import expand_sources
from dsforge.io.rows import Refused, RowReader
from dsforge.lint.collect import Collector
from dsforge.lint.facts import Facts, Settings, pack, unpack
from dsforge.lint.linter import MAX_EXCERPTS, Decoded, Linter
from dsforge.lint.rule import DatasetRule, Rule, all_rules
from dsforge.lint.select import ignored_in, select_rules
from dsforge.lint.waiver import take_waiver
from dsforge.report.summary import Summary

if TYPE_CHECKING:
    from dsforge.lint.summarise import Summariser


class LintResult(msgspec.Struct):
    """What lint found.

    `rows_rejected` are rows that could not be decoded; each has a finding. `notices` say how the files were read.
    `removals` are the rows that a fix would take out: by file and number, the code that asks for it. `categorised` is
    how many rows have a category, `summary` what the rows hold, where it was asked for. Where a target is given,
    `facts` are those of the rows that decoded, and `told_once` gives their indexes to a finding that is told once for
    many of them.

    Conservation: rows_in = rows_out + rows_rejected.
    """

    findings: list[Finding] = []
    rows_in: int = 0
    rows_rejected: int = 0
    formats: dict[str, int] = {}
    notices: list[str] = []
    removals: dict[str, dict[int, str]] = {}
    categorised: int = 0
    summary: Summary | None = None
    facts: Facts | None = None
    told_once: dict[Finding, Sequence[int]] = {}

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


_BATCH = 1 << 16
"""Bytes of rows that are looked at together: few enough to stay in the processor's cache."""


def _lint_rows(chunk: Chunk, codes: Sequence[str], settings: Settings, summarise: bool) -> _Part:
    rules = [all_rules()[code] for code in codes]
    forced = None if settings.format == "auto" else get_format(settings.format)
    is_row = partial(array_is_row, path=chunk.source, fmt=forced)
    reader = RowReader(chunk.source, strict=True, start=chunk.start, end=chunk.end, array_is_row=is_row)
    linter = Linter(reader.path, rules, settings.profile(), settings)
    needs = frozenset(need for rule in rules if isinstance(rule, DatasetRule) for need in rule.needs)
    collector = Collector(reader.path, needs, settings)
    result = LintResult()
    formats: Counter[str] = Counter()
    decode = RowDecoder(forced)
    summariser = _summariser(settings) if summarise else None
    decoded: list[Decoded] = []
    size = 0
    for row in reader:
        result.rows_in += 1
        if isinstance(row, Refused):
            linter.refused(row)
            result.rows_rejected += 1
            continue
        waived = take_waiver(row.value)
        try:
            fmt, example = decode(row.value)
        except RowError as error:
            linter.undecodable(row, error, waived)
            result.rows_rejected += 1
            continue
        formats[fmt.name] += 1
        decoded.append(Decoded(row, fmt, example, waived))
        size += len(row.raw)
        if size > _BATCH:
            linter.examples(decoded)
            decoded, size = [], 0
        collector.add(row, fmt.name, example, waived)
        if summariser:
            summariser.add(example, fmt.name)
    linter.examples(decoded)
    for flaw in reader.flaws:
        linter.flaw(flaw)
    result.findings, result.formats, result.notices = linter.findings, dict(formats), list(reader.notices)
    result.summary = summariser.finish() if summariser else None
    return _Part(result, collector.finish(), reader.lines)


def _summariser(settings: Settings) -> Summariser:
    from dsforge.lint.summarise import Summariser  # counts tokens

    return Summariser(settings)


def lint_chunk(chunk: Chunk, codes: tuple[str, ...], settings: Settings, summarise: bool, output: Path) -> _Counts:
    """Lint one chunk; findings and facts go to `output` as msgpack."""
    part = _lint_rows(chunk, codes, settings, summarise)
    output.write_bytes(msgspec.msgpack.encode(part, enc_hook=pack))
    return _Counts(part.result.rows_in)


def _merge(chunks: list[Chunk], parts: list[_Part]) -> tuple[LintResult, Facts]:
    """One result and one table of facts, with rows and lines counted from the beginning of each file."""
    total, facts = LintResult(), Facts()
    texts: dict[str, str] = {}
    rows = lines = 0
    for chunk, part in zip(chunks, parts, strict=True):
        if chunk.start == 0:
            rows = lines = 0
        total.findings.extend(_moved(finding, rows, lines, texts) for finding in part.result.findings)
        facts.extend(part.facts, rows, lines)
        rows += part.result.rows_in
        lines += part.lines
        total.rows_in += part.result.rows_in
        total.rows_rejected += part.result.rows_rejected
        total.formats = dict(Counter(total.formats) + Counter(part.result.formats))
        if part.result.summary:
            total.summary = total.summary or Summary()
            total.summary.merge(part.result.summary)
        total.notices += [notice for notice in part.result.notices if notice not in total.notices]
    return total, facts


_TEXTS = 10_000
"""Texts of findings that are looked for again; what differs from row to row is kept as it is."""


def _moved(finding: Finding, rows: int, lines: int, texts: dict[str, str]) -> Finding:
    """A finding of a chunk that so many rows and lines stand before; equal texts are one object, for they repeat."""
    if len(texts) < _TEXTS:
        shared = [texts.setdefault(text, text) for text in (finding.name, finding.path, finding.message, finding.help)]
    else:
        shared = [texts.get(text, text) for text in (finding.name, finding.path, finding.message, finding.help)]
    name, path, message, help = shared
    row = finding.row + rows if finding.row else 0
    return msgspec.structs.replace(
        finding, name=name, path=path, message=message, help=help, row=row, line=finding.line + lines
    )


def _judge(
    rules: Sequence[Rule], facts: Facts, settings: Settings, ignored: Mapping[str, frozenset[str]], result: LintResult
) -> None:
    """Add the findings of the dataset rules to the result; `ignored` are the codes not told of, by file."""
    target = settings.profile()
    first_path = next(iter(ignored))
    for rule in rules:
        if not isinstance(rule, DatasetRule):
            continue
        severity = target.severities.get(rule.code, rule.severity) if target else rule.severity

        def report(
            message: str, index: int | None = None, help: str = "", *, remove: bool = False,
            rows: Sequence[int] | None = None, rule: Rule = rule, severity: Severity = severity,
        ) -> None:  # fmt: skip
            place = (first_path, 0, 1, 1)
            if rows is not None:
                rows = [at for at in rows if rule.code not in facts.waived.get(at, ())] if facts.waived else rows
                index = rows[0] if rows and index is not None and rule.code in facts.waived.get(index, ()) else index
            if index is not None:
                if rule.code in facts.waived.get(index, ()):
                    return
                place = facts.path[index], facts.row[index], facts.line[index], facts.column[index]
            if rule.code in ignored[place[0]]:
                return
            remove = remove and index is not None
            if remove:
                result.removals.setdefault(place[0], {})[place[1]] = rule.code
            found = Finding(rule.code, rule.name, severity, message, *place, "", help, remove, unsafe_fix=remove)
            if rows is not None:
                result.told_once[found] = rows
            result.findings.append(found)

        rule.check(facts, settings, report)


def _shorten(findings: list[Finding]) -> None:
    """Keep the excerpts of the first findings of each rule alone, however many chunks there were."""
    shown: Counter[str] = Counter()
    for index, finding in enumerate(findings):
        if finding.excerpt:
            shown[finding.code] += 1
            if shown[finding.code] > MAX_EXCERPTS:
                findings[index] = msgspec.structs.replace(finding, excerpt="", mark=(0, 0))


def lint(
    sources: Sequence[str | Path],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    per_file_ignores: Mapping[str, Sequence[str]] | None = None,
    settings: Settings | None = None,
    summarise: bool = False,
    workers: int = 1,
) -> LintResult:
    """Check the rows of `sources`, taken as one dataset. The findings stand in the order of the files.

    `per_file_ignores` are rules not to be told of in the files that a pattern fits. With `summarise` the result says
    what the rows hold.

    Raises:
        InputError: a file that cannot be read as rows.
        UsageError: no such rule or format.
    """
    settings = settings or Settings()
    if settings.format != "auto":
        get_format(settings.format)
    names = expand_sources(map(str, sources))
    rules = select_rules(select, ignore)
    ignored = {name: ignored_in(name, per_file_ignores or {}) for name in names}
    chunks = [chunk for name in names for chunk in plan_chunks(name, pieces_for(workers))]
    codes = {name: tuple(rule.code for rule in rules if isinstance(rule, DatasetRule) or rule.code not in ignored[name])
             for name in names}  # fmt: skip
    if len(chunks) == 1:
        parts = [_lint_rows(chunks[0], codes[names[0]], settings, summarise)]
    else:
        parts = _run_chunks(chunks, codes, settings, summarise, workers)
    result, facts = _merge(chunks, parts)
    result.categorised = len(facts) - facts.category.count(None)
    _judge(rules, facts, settings, ignored, result)
    result.facts = facts if settings.target else None
    order = {name: index for index, name in enumerate(names)}
    result.findings.sort(key=lambda found: (order.get(found.path, 0), found.line, found.column, found.code))
    _shorten(result.findings)
    return result


def _run_chunks(
    chunks: list[Chunk], codes: Mapping[str, tuple[str, ...]], settings: Settings, summarise: bool, workers: int
) -> list[_Part]:
    with tempfile.TemporaryDirectory(prefix="dsforge-lint-") as folder:
        tasks = [
            Task(lint_chunk, (chunk, codes[chunk.source], settings, summarise), Path(folder) / f"{index:05}", _Counts)
            for index, chunk in enumerate(chunks)
        ]
        with Engine(workers=workers) as engine:
            engine.run_all(tasks)
        return [msgspec.msgpack.decode(task.output.read_bytes(), type=_Part, dec_hook=unpack) for task in tasks]
