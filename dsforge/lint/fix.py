"""Mends what rules reported and can mend; every other byte of the file stays as it is.

A file is gone through as segments, each what stands there and what is to stand there: writing the second of
each gives the mended file, and those that differ are the diff.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from dsforge.errors import RowError, UsageError
from dsforge.formats.format import Format, get_format
from dsforge.formats.read import array_is_row, decode_row
from dsforge.io.atomic import atomic_write
from dsforge.io.encoding import UTF8_BOM
from dsforge.io.expand import expand_sources
from dsforge.io.naming import file_of
from dsforge.io.rows import Refused, Row, RowReader, one_line, parse
from dsforge.lint.edit import Edit, apply_edits, apply_splices
from dsforge.lint.facts import Settings
from dsforge.lint.linter import Linter, waived_codes
from dsforge.lint.rule import BytesRule, DatasetRule, Rule
from dsforge.lint.run import lint
from dsforge.lint.select import ignored_in, select_rules

_ROUNDS = 200
"""A fix may uncover another mistake, or its rule tells of one at a time; after so many rounds the rest is left."""


Removed: TypeAlias = "Mapping[int, str]"
"""Numbers of rows, in the mended file, that are taken out of it, with the code of the rule that asks for it."""
_NONE: Removed = {}


class Segment(NamedTuple):
    """A stretch of a file, as it is and as it is to be."""

    old: bytes
    new: bytes


class Fixer:
    """Mends the rows of one file after another.

    `fixed` counts the changes made by code, `rows` those of the mended files, with those taken out.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        settings: Settings,
        *,
        unsafe: bool,
        per_file_ignores: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.fixed: Counter[str] = Counter()
        self.rows = 0
        self._number = 0  # of the row at hand, among those of the mended file
        self._format: Format | None = None if settings.format == "auto" else get_format(settings.format)
        self._selected = rules
        self._unsafe = unsafe
        self._settings = settings
        self._per_file = per_file_ignores or {}

    def _may(self, rule: Rule) -> bool:
        return rule.fix == "safe" or (self._unsafe and rule.fix == "unsafe")

    def segments(self, source: str, removed: Removed = _NONE) -> Iterator[Segment]:
        """The file in order; the rows `removed` are taken out.

        Raises:
            InputError: the file cannot be read as rows.
            UsageError: it is no plain file of JSON, which alone can be mended in its place.
        """
        path = _plain_file(source)
        reader = RowReader(source, strict=True, array_is_row=lambda value: array_is_row(value, source, self._format))
        if reader.layout == "table" or reader.compressed:
            reader.close()
            raise UsageError(
                f"{source} cannot be mended in its place, as it is packed or a table: convert it first "
                "(dsforge convert FILE --to FORMAT -o OUT.jsonl)"
            )
        spared = ignored_in(source, self._per_file)
        self._rules = [rule for rule in self._selected if rule.code not in spared]
        self._codes = {
            kind: rule.code for rule in self._rules if isinstance(rule, BytesRule) and self._may(rule)
            for kind in rule.kinds
        }  # fmt: skip
        target = self._settings.profile()
        if target is not None and target.advised.byte_order_mark:
            self._codes.pop("byte order mark", None)  # asked for there
        self._linter = Linter(source, self._rules, target, self._settings)
        if reader.encoding != "utf-8":
            yield from self._in_utf8(reader, path, removed)
        elif reader.layout == "jsonl":
            reader.close()
            with path.open("rb") as file:
                yield from self._lines(file, removed)
        else:
            yield from self._elements(reader, path, removed)

    # -- the three layouts -------------------------------------------------------------------------

    def _lines(self, file: BinaryIO, removed: Removed) -> Iterator[Segment]:
        self._number = 0
        for index, line in enumerate(file):
            start, old = b"", line
            if index == 0 and line.startswith(UTF8_BOM):
                line = line.removeprefix(UTF8_BOM)
                start = b"" if self._counted("byte order mark") else UTF8_BOM
            raw = line.removesuffix(b"\n").removesuffix(b"\r")
            if not raw or raw.isspace():
                yield Segment(old, b"" if self._counted("blank line") else old)
                continue
            mended = self.mended(raw)
            is_kept = self._is_kept(mended, removed)
            yield Segment(old, start + mended + line[len(raw) :] if is_kept else start)

    def _elements(self, reader: RowReader, path: Path, removed: Removed) -> Iterator[Segment]:
        """Rows of an array, or over several lines; what stands between two is settled when the next one is known."""
        compact = reader.layout == "documents" and self._all_valid(reader.path) and self._counted("several lines")
        end = kept = self._number = 0
        is_whole = True  # whether the last row has its end: else it takes in whatever is written after it
        before_removed: bytes | None = None  # what stood before the rows taken out since the last one kept
        between = _lines_between if compact else self._between if reader.layout == "array" else _as_it_is
        with path.open("rb") as file:
            for _, _, _, offset, raw in reader.raw_rows():
                gap = file.read(offset - end)
                end = file.seek(offset + len(raw))
                mended = self.mended(raw)
                if not self._is_kept(mended, removed):
                    before_removed = gap if before_removed is None else before_removed
                    yield Segment(gap + raw, b"")
                    continue
                yield Segment(gap, between(gap if before_removed is None else before_removed, kept, False))
                is_whole = not parse(mended)[1]
                yield Segment(raw, one_line(Row(0, 1, 0, mended, None)) if compact else mended)
                kept += 1
                before_removed = None
            gap = file.read()
            opening = before_removed if before_removed is not None and not kept else b""
            yield Segment(gap, between(opening + gap, kept, True) if is_whole else gap)

    def _is_kept(self, mended: bytes, removed: Removed) -> bool:
        """Whether a mended row stays: it is not to be taken out, and was not but a comment, which has no number."""
        if not mended.strip():
            return False
        self._number += 1
        self.rows += 1
        if self._number in removed:
            self.fixed[removed[self._number]] += 1
            return False
        return True

    def _all_valid(self, source: str) -> bool:
        """Whether the rows are valid JSON once mended; one that is not cannot be put on a line of its own."""
        fixed = self.fixed.copy()
        mended = (self.mended(raw) for *_, raw in RowReader(source, strict=True).raw_rows())
        valid = all(not raw.strip() or not parse(raw)[1] for raw in mended)
        self.fixed = fixed
        return valid

    def _between(self, gap: bytes, rows_before: int, is_last: bool) -> bytes:
        """What stands between two rows of an array, with one comma or none, as its place asks."""
        wanted = 1 if rows_before and not is_last else 0
        has = gap.count(b",")
        if "structure" not in self._codes or (has == wanted and (not is_last or b"]" in gap)):
            return gap
        self.fixed[self._codes["structure"]] += 1
        if has > wanted:
            gap = gap.replace(b",", b"\0", wanted).replace(b",", b"").replace(b"\0", b",")
        elif has < wanted:
            gap = b"," + gap
        return gap + b"]\n" if is_last and b"]" not in gap else gap

    def _in_utf8(self, reader: RowReader, path: Path, removed: Removed) -> Iterator[Segment]:
        """A file in another encoding, as UTF-8: the whole of it changes."""
        if not self._counted("other encoding"):
            reader.close()
            raise UsageError(f"{path} is in {reader.encoding}: select J010 too, so that it is written in UTF-8")
        with tempfile.TemporaryDirectory(prefix="dsforge-fix-") as folder:
            decoded = Path(folder) / path.name
            with decoded.open("wb") as file:
                shutil.copyfileobj(reader.text(), file)
            mended = b"".join(segment.new for segment in self.segments(str(decoded), removed))
        yield Segment(path.read_bytes(), mended)

    def _counted(self, kind: str) -> bool:
        """Whether mistakes of a kind between rows are mended; counts one."""
        code = self._codes.get(kind)  # type: ignore[call-overload]
        if code:
            self.fixed[code] += 1
        return bool(code)

    # -- one row -----------------------------------------------------------------------------------

    def mended(self, raw: bytes) -> bytes:
        """The row with all fixes made that its findings offer, those that a fix uncovers included."""
        for _ in range(_ROUNDS):
            changed = self._once(raw)
            if changed == raw:
                return raw
            raw = changed
        return raw

    def _once(self, raw: bytes) -> bytes:
        linter = self._linter
        linter.findings.clear()
        linter.fixes.clear()
        value, problems = parse(raw, strict=True)
        if problems:
            linter.refused(Refused(1, 1, 0, raw, problems))
        else:
            self._check(linter, Row(1, 1, 0, raw, value))
        fixes = [
            (linter.findings[index].code, fix)
            for index, fix in linter.fixes.items()
            if self._unsafe or not linter.findings[index].unsafe_fix
        ]
        if problems:
            splices = [None if isinstance(fix, Edit) else fix for _, fix in fixes]
            text, made = apply_splices(raw.decode("utf-8", "surrogateescape"), splices)
            changed = text.encode("utf-8", "surrogateescape")
        else:
            changed, made = apply_edits(raw, [fix for _, fix in fixes if isinstance(fix, Edit)])
        self.fixed.update(fixes[index][0] for index in made)
        return changed

    def _check(self, linter: Linter, row: Row) -> None:
        waived = waived_codes(row)
        try:
            fmt, example = decode_row(row.value, self._format)
        except RowError as error:
            linter.undecodable(row, error, waived)
        else:
            linter.example(row, fmt, example, waived)


def _plain_file(source: str) -> Path:
    path = file_of(source)
    if source == "-" or not path.is_file():
        raise UsageError(f"{source} cannot be mended in its place: name a file")
    return path


def _as_it_is(gap: bytes, rows_before: int, is_last: bool) -> bytes:
    return gap


def _lines_between(gap: bytes, rows_before: int, is_last: bool) -> bytes:
    """What stands between rows that are written one to a line from now on."""
    return b"\n" if rows_before else b""


class _UnchangedError(Exception):
    """Nothing differs, so the file is left as it is."""


def write_fixed(source: str, segments: Iterable[Segment]) -> bool:
    """Put the mended file in the place of the old one, whole or not at all; whether anything differs.

    Raises:
        OutputError: the place cannot be written to.
    """
    path = _plain_file(source)
    mode = path.stat().st_mode
    changed = False
    with suppress(_UnchangedError), atomic_write(path) as file:
        for old, new in segments:
            changed = changed or old != new
            file.write(new)
        if not changed:
            raise _UnchangedError
    path.chmod(mode)
    return changed


def unified_diff(source: str, segments: Iterable[Segment]) -> Iterator[str]:
    """The lines of a unified diff without context, as `patch` takes it."""
    headed = False
    line_old = line_new = 1
    old, new = b"", b""
    for segment in (*segments, None):
        if segment is not None:
            old, new = old + segment.old, new + segment.new
            if not (old.endswith(b"\n") and (new.endswith(b"\n") or not new)):
                if old == new and b"\n" in old:  # what is settled is not kept: the file may be one long array
                    keep = old.rindex(b"\n") + 1
                    lines = old.count(b"\n")
                    old = new = old[keep:]
                    line_old, line_new = line_old + lines, line_new + lines
                continue
        was, now = _diff_lines(old), _diff_lines(new)
        if old != new:
            if not headed:
                yield from (f"--- {source}", f"+++ {source}")
                headed = True
            yield f"@@ -{_range(line_old, len(was))} +{_range(line_new, len(now))} @@"
            yield from (f"-{line}" for line in was)
            yield from (f"+{line}" for line in now)
        line_old, line_new = line_old + len(was), line_new + len(now)
        old, new = b"", b""


def _range(line: int, count: int) -> str:
    return f"{line if count else line - 1},{count}"


def _diff_lines(text: bytes) -> list[str]:
    """Lines as a diff has them; one that is not ended says so."""
    if not text:
        return []
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _removals(
    sources: Sequence[str], fixer: Fixer, rules: Sequence[Rule], settings: Settings, workers: int
) -> dict[str, Removed]:
    """The numbers of the rows of each file that its findings ask to take out once the other fixes are made."""
    if not any(isinstance(rule, DatasetRule) and rule.fix == "unsafe" for rule in rules):
        return {}
    with tempfile.TemporaryDirectory(prefix="dsforge-fix-") as folder:
        copies = {}
        for index, source in enumerate(sources):
            copy = Path(folder) / f"{index:05}-{file_of(source).name}"
            with copy.open("wb") as file:
                file.writelines(segment.new for segment in fixer.segments(source))
            copies[str(copy)] = source
        result = lint([*copies], select=[rule.code for rule in rules], settings=settings, workers=workers)
    if result.rows_in != fixer.rows:  # mending text that is never closed moved the bounds of rows: the numbers mislead
        return {}
    return {copies[path]: rows for path, rows in result.removals.items()}


class Mended(NamedTuple):
    """What was mended: changes by code, and the lines of the diff where it was asked for instead."""

    fixed: dict[str, int]
    diff: list[str]


def fix(
    sources: Sequence[str | Path],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    per_file_ignores: Mapping[str, Sequence[str]] | None = None,
    settings: Settings | None = None,
    unsafe: bool = False,
    diff: bool = False,
    workers: int = 1,
) -> Mended:
    """Mend the files in their places, or say with `diff` how they would change.

    Raises:
        InputError: a file that cannot be read as rows.
        UsageError: no such rule or format, or a file that cannot be mended in its place.
        OutputError: a file that cannot be written.
    """
    settings = settings or Settings()
    names = expand_sources(map(str, sources))
    rules = select_rules(select, ignore)

    def fixer() -> Fixer:
        return Fixer(rules, settings, unsafe=unsafe, per_file_ignores=per_file_ignores)

    removed = _removals(names, fixer(), rules, settings, workers) if unsafe else {}
    mender = fixer()
    lines: list[str] = []
    for name in names:
        segments = mender.segments(name, removed.get(name, _NONE))
        if diff:
            lines += unified_diff(name, segments)
        else:
            write_fixed(name, segments)
    return Mended(dict(sorted(mender.fixed.items())), lines)
