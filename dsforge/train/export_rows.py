"""The rows of an export: read in any format, written in the trainer's, none of them lost without a word."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson

from dsforge.errors import InputError, RowError, UsageError
from dsforge.example import JSON, Example
from dsforge.feature import Feature, used_features
from dsforge.formats.format import Format, get_format
from dsforge.formats.held import only_held
from dsforge.formats.read import read_examples
from dsforge.io.jsonl import dumps
from dsforge.io.rejects import Reject, write_rejects
from dsforge.io.source import open_source
from dsforge.train.config import TrainConfig
from dsforge.train.export_result import REJECTS, ExportResult
from dsforge.train.exporter import TRAIN, VALIDATION, Export, exact_kind, in_one_line

_UNREAD = frozenset({Feature.METADATA, Feature.EXTRA, Feature.MESSAGE_EXTRA})


def write_rows(config: TrainConfig, export: Export, work: Path, result: ExportResult) -> tuple[frozenset[str], int]:
    """Write the files of rows and their rejects: `(columns that every row has, rows to train on)`."""
    outputs = (work / TRAIN, work / VALIDATION)
    sources = list(zip(files_of(config), outputs, strict=False))
    seen: Counter[str] = Counter()
    written: list[int] = []
    for path, output in sources:
        if path == "-":
            raise InputError("export reads rows from a file: save standard input to one first")
        open_source(path).close()
        before = result.rows_out
        _convert(path, output, config, export, seen, result)
        written.append(result.rows_out - before)
        if not written[-1]:
            first = min((reject for reject in result.rejects if reject.path == path), key=lambda reject: reject.row)
            raise InputError(
                f"{path}: none of its rows can be trained on by method={config.method.name}; "
                f"row {first.row}: {first.reason}"
            )
    fill = {key: value for key, value in export.fill.items() if 0 < seen[key] < result.rows_out}
    if fill:
        for _, output in sources:
            _fill(output, fill)
    write_rejects(work / REJECTS, result.rejects)
    return frozenset(key for key, rows in seen.items() if rows == result.rows_out or key in fill), written[0]


def files_of(config: TrainConfig) -> list[str]:
    """The file of rows, and that for validation where there is one.

    Raises:
        UsageError: there are several, or a share is to be held out.
    """
    if len(config.data.paths) > 1 or config.data.weights:
        raise UsageError("export writes one file of rows: join them first, dsforge convert A B -o rows.jsonl")
    validation = config.data.validation
    if isinstance(validation, float):
        raise UsageError(
            f"data.validation={validation:g}: export takes a file; dsforge split {config.data.paths[0]} makes one"
        )
    return [*config.data.paths, *([validation] if validation else [])]


def _convert(
    path: str, output: Path, config: TrainConfig, export: Export, seen: Counter[str], result: ExportResult
) -> None:
    form = export.form(config.method.name)
    to = get_format(form.format, form.options)
    to = replace(to, holds=to.holds - form.lacks, name=export.title if form.lacks else to.name)
    limit = config.data.limit
    rejects: list[Reject] = []
    source = read_examples(path, config.data.format, rejects.append)
    written = 0
    losses: Counter[str] = Counter(result.losses)
    with output.open("wb") as file:
        for row, example in source:
            if limit is not None and row.number > limit:  # refused rows were skipped on the way here
                break
            try:
                exact_kind(form.kind, example)
                value = _written(example, to, form.lacks, losses)
            except RowError as error:
                rejects.append(Reject(path, row.number, row.line, error.code, error.reason, error.pointer, row.raw))
                continue
            seen.update(value.keys())
            file.write(_line(value))
            result.media_rows += any(message.media for message in example.all_messages())
            written += 1
            if row.number == limit:
                break
    rows_in = source.rows_in if limit is None else min(source.rows_in, limit)
    rejects = [reject for reject in rejects if limit is None or reject.row <= limit]
    if rows_in != written + len(rejects):
        raise AssertionError(f"conservation broken: {rows_in} in, {written} out, {len(rejects)} rejected")
    result.rows_in += rows_in
    result.rows_out += written
    result.rows_rejected += len(rejects)
    result.rejects += sorted(rejects, key=lambda reject: reject.row)
    result.losses = dict(losses)
    result.formats = dict(Counter(result.formats) + Counter(source.formats))


def _written(example: Example, to: Format, lacks: frozenset[Feature], losses: Counter[str]) -> dict[str, JSON]:
    """The row without what no trainer reads; what it loses is counted.

    Fields beside the conversation would only stand in the way: a trainer takes an `answer` for the answer, and files
    whose rows differ in them do not load.
    """
    dropped = used_features(example) & _UNREAD
    if dropped:
        example = only_held(example, frozenset(Feature) - dropped, frozenset())
    value, lost = to.written(example)
    if lost & lacks:  # which the format would write, for a reader that does not take it
        value = to.encode(only_held(example, frozenset(Feature) - lacks, frozenset()))
    losses.update(feature.value for feature in lost | dropped)
    assert isinstance(value, dict)
    return value


def _line(row: dict[str, JSON]) -> bytes:
    """A line of JSON; NeMo would end it at any line break of Unicode."""
    return in_one_line(dumps(row).decode()).encode() + b"\n"


def _fill(path: Path, fill: dict[str, JSON]) -> None:
    """Give every row of the file the columns that it lacks."""
    filled = path.with_suffix(".filled")
    with path.open("rb") as rows, filled.open("wb") as file:
        for line in rows:
            row = orjson.loads(line)
            file.write(_line({**row, **{key: value for key, value in fill.items() if key not in row}}))
    filled.replace(path)
