"""`convert --verify`: what was written is read again and compared, row by row, with what was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dsforge.convert.chunk import encode_for, media_store, without_extra
from dsforge.convert.job import Job
from dsforge.errors import OutputError, RowError
from dsforge.example import JSON, Example
from dsforge.feature import Feature
from dsforge.formats.format import Format
from dsforge.formats.read import ExampleReader
from dsforge.formats.remainder import remainder
from dsforge.io.rows import Refused, Row
from dsforge.io.write import refusal_for


def _expected(
    sources: Sequence[str], job: Job, to: Format, output: str, aside: Path
) -> Iterator[tuple[str, Row, Example, set[Feature]]]:
    """`(path, row, example, features lost)` of every row that should have been written, the long way."""
    refusal = refusal_for("" if job.media == "bundle" else output)
    for source in sources:
        media = media_store(source, job, aside)
        reader = ExampleReader(
            source, job.source(), lambda reject: None, strict=True,
            readers=job.readers() if job.options else None, encoding=job.encoding,
        )  # fmt: skip
        for row, example in reader:
            try:
                example = media.placed(example) if media else example
                _, lost = encode_for(job, to, refusal, example)
            except RowError:
                continue
            yield reader.path, row, example if job.keep_extra else without_extra(example)[0], lost


def verify(sources: Sequence[str], job: Job, written: Path, output: str, rows_out: int) -> int:
    """How many rows of `written`, which has `rows_out` and will be called `output`, say what they said before.

    What a row loses was told before it was written, and is not compared.

    Raises:
        OutputError: a row came back different, or is missing, or there is one too many.
    """
    to = job.target()
    reader = ExampleReader(written, to, strict=True) if rows_out else None
    rows = iter(reader.rows) if reader else iter(())
    in_table = reader is not None and reader.rows.layout == "table"
    count = 0
    for path, row, example, lost in _expected(sources, job, to, output, written.parent):
        place = f"{path}:{row.line}: row {row.number}"
        back = next(rows, None)
        if back is None:
            raise OutputError(f"{place} was not written; nothing is kept of {output}")
        difference = _difference(example, back, to, lost, in_table)
        if difference:
            raise OutputError(f"{place} came back different at {difference}; nothing is kept of {output}")
        count += 1
    if next(rows, None) is not None:
        raise OutputError(f"{output} would hold more rows than were read; nothing is kept of it")
    return count


def _difference(example: Example, back: Row | Refused, to: Format, lost: set[Feature], in_table: bool) -> str:
    if isinstance(back, Refused):
        return f"the whole row ({back.problems[0].message})"
    try:
        read = to.decode(back.value)
    except RowError as error:
        return f"{error.pointer or 'the row'} ({error.reason})"
    before, after = remainder(example, lost), remainder(read, lost)
    if in_table:  # an empty cell is all that a table has for a field that a row lacks; the user is told
        before, after = _without_empty_fields(before), _without_empty_fields(after)
    if before == after:
        return ""
    return _first_difference(msgspec.to_builtins(before), msgspec.to_builtins(after)) or "a place that is not text"


def _without_empty_fields(example: Example) -> Example:
    meta, extra = (
        {key: value for key, value in fields.items() if value != ""} for fields in (example.meta, example.extra)
    )
    return msgspec.structs.replace(example, meta=meta, extra=extra)


def _first_difference(before: JSON, after: JSON, pointer: str = "") -> str:
    """The JSON Pointer, into the record, of the first place where two values differ; "" where none does."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            if found := _first_difference(before.get(key), after.get(key), f"{pointer}/{key}"):
                return found
        return ""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            if found := _first_difference(one, other, f"{pointer}/{index}"):
                return found
        return ""
    return "" if before == after else f"{pointer or 'the row'}: {_short(before)} became {_short(after)}"


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
