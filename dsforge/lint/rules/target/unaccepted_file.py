"""A file that the target does not take: of another kind, packed, too large, or with too many rows (of images, too).

Why is this bad?
    The upload is refused, after it took its time. Most platforms read JSONL alone, one row to a line: no JSON array, no
    CSV, nothing compressed, in UTF-8. Runs where a target is given with `--target`; standard input is not looked at.

Options:
    target=openai

Bad:
    [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}]

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dsforge.formats.read import ExampleReader, array_is_row
from dsforge.io.rows import RowReader
from dsforge.io.source import open_source
from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.target import either, own_format, target_of

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

_KINDS = {"jsonl": "JSONL", "array": "a JSON array", "csv": "CSV", "tsv": "TSV", "xlsx": "an Excel workbook",
          "parquet": "Parquet", "zip": "a zip archive"}  # fmt: skip


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    target = target_of(settings)
    if target is None:
        return
    rules = target.file
    if rules.max_rows is not None and len(facts) > rules.max_rows:
        report(f"{len(facts):,} rows; {target.called} takes at most {rules.max_rows:,}", rules.max_rows,
               "leave some out: dsforge dedup, or split the file", rows=range(len(facts)))  # fmt: skip
    if rules.max_media_rows is not None and len(facts) > rules.max_media_rows:
        _check_media_rows(facts, settings, rules.max_media_rows, target.called, report)
    for name in dict.fromkeys(facts.path):
        if not Path(name).is_file():
            continue
        first = facts.path.index(name)
        rows = range(first, first + facts.path.count(name))
        size = Path(name).stat().st_size
        if rules.max_bytes is not None and size > rules.max_bytes:
            report(f"{name} has {size:,} bytes; {target.called} takes at most {rules.max_bytes:,}", first,
                   "split the file", rows=rows)  # fmt: skip
        if rules.kinds and (found := _unaccepted(name, target)):
            wanted = either([_KINDS[kind] for kind in rules.kinds])
            report(f"{name} is {found}; {target.called} takes {wanted}", first,
                   f"dsforge convert {name} --to {own_format(target, facts)} -o OUT.jsonl", rows=rows)  # fmt: skip


def _check_media_rows(facts: Facts, settings: Settings, most: int, called: str, report: DatasetReport) -> None:
    """Count the rows with files; few datasets have as many rows at all, and they are read once more."""
    index = {(facts.path[at], facts.row[at]): at for at in range(len(facts))}
    found = []
    for path in dict.fromkeys(facts.path):
        for row, example in ExampleReader(path, settings.format) if Path(path).is_file() else ():
            if any(message.media for message in example.all_messages()):
                found.append(index[path, row.number])
    if len(found) > most:
        report(f"{len(found):,} rows with images or other files; {called} takes at most {most:,}", found[most],
               "leave some out: dsforge dedup, or split the file", rows=range(len(facts)))  # fmt: skip


def _unaccepted(name: str, target: Target) -> str:
    """What a file is that the target does not take; "" for one that it takes."""
    kinds = target.file.kinds
    suffix = Path(name).suffix.lower().lstrip(".")
    if suffix in kinds and suffix != "jsonl":
        return ""
    source = open_source(name)
    source.close()
    if source.compressed:
        return _KINDS.get(suffix, "packed")
    if source.encoding != "utf-8":
        return f"in {source.encoding}, not in UTF-8"
    if source.container:
        return _KINDS.get(suffix, source.container.name)
    reader = RowReader(name, array_is_row=partial(array_is_row, path=name))
    reader.close()
    return _KINDS["array"] if reader.layout == "array" and "array" not in kinds else ""


RULE = DatasetRule("X822", "error", _check)
