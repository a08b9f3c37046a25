"""Mends what rules reported and can mend; every other byte of the file stays as it is.

A file is gone through as segments, each what stands there and what is to stand there: writing the second of
each gives the mended file, and those that differ are the diff.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
from dsforge.lint.linter import Decoded, Linter
from dsforge.lint.not_json import refuse_what_is_not_json
from dsforge.lint.rule import BytesRule, DatasetRule, Rule
from dsforge.lint.run import lint
from dsforge.lint.select import ignored_in, select_rules
from dsforge.lint.waiver import take_waiver

_ROUNDS = 200
"""A fix may uncover another mistake, or its rule tells of one at a time; after so many rounds the rest is left."""
_PASSES = 8
"""Without the comments before them rows may turn out to be of another layout: they are then looked at anew."""


_COMMENT = re.compile(rb"[ \t]*(?://[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z))", re.DOTALL)
"""A comment between two rows, where no text stands."""
Removed: TypeAlias = "Mapping[int, str]"
"""Numbers of rows, in the mended file, that are taken out of it, with the code of the rule that asks for it."""
_NONE: Removed = {}


class Segment(NamedTuple):
    """A stretch of a file, as it is and as it is to be."""

    old: bytes
    new: bytes


class Fixer:
    """Mends the rows of one file after another.

    `fixed` counts the changes made by code, `rows` those of the mended files, with those taken out. `known_as` are the
    names by which `per_file_ignores` knows copies of files.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        settings: Settings,
        *,
        unsafe: bool,
        per_file_ignores: Mapping[str, Sequence[str]] | None = None,
        known_as: Mapping[str, str] | None = None,
    ) -> None:
        self.fixed: Counter[str] = Counter()
        self.rows = 0
        self._number = 0  # of the row at hand, among those of the mended file
        self._format: Format | None = None if settings.format == "auto" else get_format(settings.format)
        self._selected = rules
        self._unsafe = unsafe
        self._settings = settings
        self._per_file = per_file_ignores or {}
        self._known_as = dict(known_as or {})

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
        spared = ignored_in(self._known_as.get(source, source), self._per_file)
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
            mended = self.mended(raw) if _is_row_or_comment(raw) else raw
            is_kept = self._is_kept(mended, removed)
            yield Segment(old, start + mended + line[len(raw) :] if is_kept else start)

    def _elements(self, reader: RowReader, path: Path, removed: Removed) -> Iterator[Segment]:
        """Rows of an array, or over several lines; what stands between two is settled when the next one is known."""
        compact = reader.layout == "documents" and self._all_valid(reader.path) and self._counted("several lines")
        end = kept = self._number = 0
        is_whole = True  # whether the last row has its end: else it takes in whatever is written after it
        last = b"{}"
        before_removed: bytes | None = None  # what stood before the rows taken out since the last one kept
        between = _lines_between if compact else self._between if reader.layout == "array" else _as_it_is
        with path.open("rb") as file:
            for _, _, _, offset, raw in reader.raw_rows():
                gap = file.read(offset - end)
                end = file.seek(offset + len(raw))
                mended = self._whole_or_not(raw)
                if not self._is_kept(mended, removed):
                    before_removed = gap if before_removed is None else before_removed
                    yield Segment(gap + raw, b"")
                    continue
                stands = gap if before_removed is None else before_removed
                is_between_rows = _is_enclosed(last) and _is_enclosed(mended)
                yield Segment(gap, between(stands, kept, False) if is_between_rows else stands)
                is_whole = not parse(mended)[1]
                yield Segment(raw, one_line(Row(0, 1, 0, mended, None)) if compact else mended)
                kept += 1
                before_removed, last = None, mended
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

    def _whole_or_not(self, raw: bytes) -> bytes:
        """The row mended, unless mistakes are left: a quote too few hides where the row ends, and all is in doubt."""
        fixed = self.fixed.copy()
        mended = self.mended(raw)
        if mended.strip() and parse(mended)[1]:
            self.fixed = fixed
            return raw
        return mended

    def _all_valid(self, source: str) -> bool:
        """Whether the rows are valid JSON once mended; one that is not cannot be put on a line of its own."""
        fixed = self.fixed.copy()
        mended = (self._whole_or_not(raw) for *_, raw in RowReader(source, strict=True).raw_rows())
        valid = all(not raw.strip() or not parse(raw)[1] for raw in mended)
        self.fixed = fixed
        return valid

    def _between(self, gap: bytes, rows_before: int, is_last: bool) -> bytes:
        """What stands between two rows of an array, with one comma or none, as its place asks, and no comments."""
        if "structure" in self._codes:
            gap, comments = _COMMENT.subn(b"", gap)
            self.fixed.update({self._codes["structure"]: comments} if comments else {})
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
            self._known_as[str(decoded)] = self._known_as.get(reader.path, reader.path)
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
        waived = take_waiver(row.value)
        try:
            fmt, example = decode_row(row.value, self._format)
        except RowError as error:
            linter.undecodable(row, error, waived)
        else:
            linter.examples([Decoded(row, fmt, example, waived)])


def _is_row_or_comment(line: bytes) -> bool:
    """Whether a line begins as a row does or a comment; any other is a piece of a row, of which nothing is certain."""
    text = line.decode("utf-8", "surrogateescape").lstrip().lstrip("\ufeff").lstrip()
    return text.startswith(("{", "[", "//", "/*", "#"))


def _is_enclosed(row: bytes) -> bool:
    """Whether what was taken for a row is an object or an array, and no piece of a text whose bounds were lost."""
    return row[:1] in (b"{", b"[") and row[-1:] in (b"}", b"]")


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


def _copied(segments: Iterable[Segment], file: BinaryIO) -> Iterator[Segment]:
    """The segments, while the mended file is written."""
    for segment in segments:
        file.write(segment.new)
        yield segment


def _stretches(old: bytes, new: bytes) -> list[Segment]:
    """A file and what became of it, as the lines that differ, from the first to the last, and those around them."""
    was, now = old.splitlines(keepends=True), new.splitlines(keepends=True)
    shorter = min(len(was), len(now))
    head = next((index for index in range(shorter) if was[index] != now[index]), shorter)
    tail = next((index for index in range(shorter - head) if was[-1 - index] != now[-1 - index]), shorter - head)
    parts = [(was[:head], now[:head]), (was[head : len(was) - tail], now[head : len(now) - tail])]
    parts.append((was[len(was) - tail :], now[len(now) - tail :]))
    return [Segment(b"".join(before), b"".join(after)) for before, after in parts]


class Mended(NamedTuple):
    """What was mended: changes by code, and the lines of the diff where it was asked for instead."""

    fixed: dict[str, int]
    diff: list[str]


@dataclass(frozen=True)
class _Mending:
    """By what files are mended. `files` are paths, with the names by which the user knows them."""

    rules: Sequence[Rule]
    settings: Settings
    per_file_ignores: Mapping[str, Sequence[str]]
    unsafe: bool
    workers: int

    def _fixer(self, files: Mapping[str, str]) -> Fixer:
        return Fixer(
            self.rules, self.settings, unsafe=self.unsafe, per_file_ignores=self.per_file_ignores, known_as=files
        )

    def in_place(self, files: Mapping[str, str]) -> tuple[Counter[str], set[str]]:
        """Mend the files until nothing changes: `(changes by code, files that changed)`."""
        fixed: Counter[str] = Counter()
        changed: set[str] = set()
        for _ in range(_PASSES):
            removed, mender = self._removals(files), self._fixer(files)
            now = [file for file in files if write_fixed(file, mender.segments(file, removed.get(file, _NONE)))]
            fixed += mender.fixed
            changed.update(now)
            if not now:
                break
            files = _with_rows(files)
        return fixed, changed

    def as_diff(self, names: Sequence[str]) -> Mended:
        """What mending the files would change."""
        files = {name: name for name in names}
        removed, mender = self._removals(files), self._fixer(files)
        diffs: dict[str, list[str]] = {}
        fixed: Counter[str] = Counter()
        with _copies(names) as copies:
            for copy, name in copies.items():
                with Path(copy).open("wb") as file:
                    segments = _copied(mender.segments(name, removed.get(name, _NONE)), file)
                    diffs[name] = [*unified_diff(name, segments)]
            if any(diffs.values()):
                fixed, changed = self.in_place(_with_rows(copies))
                for copy in changed:
                    name = copies[copy]
                    old, new = _plain_file(name).read_bytes(), Path(copy).read_bytes()
                    diffs[name] = [*unified_diff(name, _stretches(old, new))]
        return Mended(dict(sorted((fixed + mender.fixed).items())), [line for name in names for line in diffs[name]])

    def _removals(self, files: Mapping[str, str]) -> dict[str, Removed]:
        """The numbers of the rows of each file that its findings ask to take out once the other fixes are made."""
        if not self.unsafe or not any(isinstance(rule, DatasetRule) and rule.fix == "unsafe" for rule in self.rules):
            return {}
        fixer = self._fixer(files)
        with _copies([*files]) as copies:
            for copy, source in copies.items():
                with Path(copy).open("wb") as file:
                    file.writelines(segment.new for segment in fixer.segments(source))
            select = [rule.code for rule in self.rules]
            result = lint([*copies], select=select, settings=self.settings, workers=self.workers)
        if result.rows_in != fixer.rows:  # mending text that is never closed moved the bounds of rows: numbers mislead
            return {}
        removed: dict[str, Removed] = {}
        for copy, rows in result.removals.items():
            source = copies[copy]
            spared = ignored_in(files[source], self.per_file_ignores)
            removed[source] = {number: code for number, code in rows.items() if code not in spared}
        return removed


def _with_rows(files: Mapping[str, str]) -> dict[str, str]:
    """The files without those of which all rows were taken out."""
    return {file: name for file, name in files.items() if any(line.strip() for line in _lines_of(file))}


def _lines_of(name: str) -> Iterator[bytes]:
    with _plain_file(name).open("rb") as file:
        yield from file


@contextmanager
def _copies(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Paths for copies of the files, by which each name is found; they are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="dsforge-fix-") as folder:
        yield {str(Path(folder) / f"{index:05}-{file_of(name).name}"): name for index, name in enumerate(names)}


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
        InputError: a file that cannot be read as rows, or holds none: nothing is changed then.
        UsageError: no such rule or format, or a file that cannot be mended in its place.
        OutputError: a file that cannot be written.
    """
    files: dict[Path, str] = {}
    for name in expand_sources(map(str, sources)):  # each file once, or every row would be a copy of itself
        files.setdefault(file_of(name).resolve(), name)
    names = [*files.values()]
    refuse_what_is_not_json(names)
    rules = select_rules(select, ignore)
    mending = _Mending(rules, settings or Settings(), per_file_ignores or {}, unsafe, workers)
    if diff:
        return mending.as_diff(names)
    fixed, _ = mending.in_place({name: name for name in names})
    return Mended(dict(sorted(fixed.items())), [])
