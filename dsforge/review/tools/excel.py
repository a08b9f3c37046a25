"""Excel: one row a line, its messages in cells to be edited, with lists to choose a verdict from; and back.

A message whose cell is changed is edited. What a cell cannot hold (32,767 UTF-16 units) is left out and cannot be
edited there. The answers of a pair stand under their names in the source, so this is no blind comparison.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from dsforge.errors import InputError, OutputError, UsageError
from dsforge.example import JSON
from dsforge.extras import require
from dsforge.io.atomic import atomic_write
from dsforge.io.containers.xlsx import MAX_CELL
from dsforge.io.together import check_outputs
from dsforge.review.decision import Accept, Action, Categorise, Edit, Prefer, Reject
from dsforge.review.review import Review
from dsforge.review.tool import Brought, Did, Sent, Task, Tool, brought, seconds, tasks, told

_SHEET = "review"
_VERDICTS, _CHOICES = ("accept", "reject"), ("chosen", "rejected", "tie", "both bad")
_BEFORE = ("row", "lint", "category", "better", "verdict", "reason", "roles")
_HIDDEN = ("key", "as it was")
_NEEDED = (*_HIDDEN, "category", "better", "verdict", "reason")
_WIDTHS = {"row": 6, "lint": 40, "category": 16, "better": 12, "verdict": 10, "reason": 24, "roles": 16}
_MESSAGE_WIDTH = 60
_ESCAPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|_x[0-9A-Fa-f]{4}_")
_TOO_LONG = "(too long for a cell: edit it in dsforge review)"


def _digest(text: str) -> str:
    """What a text is told by once Excel has saved it: line ends are its own."""
    return blake2b(_lines(text).strip().encode(errors="replace"), digest_size=6).hexdigest()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cell(text: str) -> str:
    """What stands in a cell for a text."""
    text = _lines(text)
    return text if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_CELL else _TOO_LONG


class _Said(NamedTuple):
    """A message in a cell: its role (of an answer of a pair: which it is), its text, and whether it is all text."""

    role: str
    text: str
    is_text: bool


def _messages(task: Task) -> list[_Said]:
    """All messages, in the order of `Example.all_messages()`."""
    example = task.original.example
    assert example is not None  # it is a task
    answers = [("chosen", example.chosen or []), ("rejected", example.rejected or [])]
    named = [(str(message.role), message) for message in example.messages]
    named += [(name, message) for name, answer in answers for message in answer]
    named += [("between", message) for answer in example.between for message in answer]
    return [_Said(role, told(message), told(message) == message.text) for role, message in named]


def _comes_back(text: str) -> bool:
    """Whether a cell gives the text back as it was: short enough, and without what workbooks write as an escape."""
    return _cell(text) != _TOO_LONG and not _ESCAPED.search(text)


def _as_it_was(task: Task) -> str:
    """What tells, later, what was changed: a digest of each message, null for one that cannot be edited in a cell."""
    digests = [_digest(said.text) if said.is_text and _comes_back(said.text) else None for said in _messages(task)]
    return json.dumps({"messages": digests, "category": task.category, "pair": task.is_pair})


def _write(review: Review, output: Path) -> Sent:
    if output.suffix.lower() != ".xlsx":
        raise UsageError(f"{output}: name a file that ends in .xlsx")
    check_outputs([review.path], [], others=[output, review.journal.path])
    if output.exists():
        raise OutputError(f"{output} is there already, and may hold somebody's work: name another file")
    xlsxwriter = require("xlsxwriter", "tables", f"writing {output}")
    sent = Sent(files=[output])
    all_tasks = list(tasks(review, sent))
    most = max((len(_messages(task)) for task in all_tasks), default=0)
    columns = [*_BEFORE, *(f"message {number}" for number in range(1, most + 1)), *_HIDDEN]
    with atomic_write(output) as file:
        workbook = xlsxwriter.Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False})
        _fill(workbook, columns, all_tasks)
        workbook.close()
    return sent


def _fill(workbook: Any, columns: list[str], all_tasks: list[Task]) -> None:
    sheet = workbook.add_worksheet(_SHEET)
    bold, wrapped = workbook.add_format({"bold": True}), workbook.add_format({"text_wrap": True, "valign": "top"})
    for at, name in enumerate(columns):
        sheet.write_string(0, at, name, bold)
        sheet.set_column(at, at, _WIDTHS.get(name, _MESSAGE_WIDTH), None, {"hidden": name in _HIDDEN})
    for line, task in enumerate(all_tasks, 1):
        messages = _messages(task)
        cells = {
            "row": str(task.original.number), "key": task.original.key, "lint": task.notes, "category": task.category,
            "roles": ", ".join(said.role for said in messages), "as it was": _as_it_was(task),
            **{f"message {number}": said.text for number, said in enumerate(messages, 1)},
        }  # fmt: skip
        for at, name in enumerate(columns):
            if cells.get(name):
                sheet.write_string(line, at, _cell(cells[name]), wrapped)
    for name, choices in (("verdict", _VERDICTS), ("better", _CHOICES)):
        at = columns.index(name)
        sheet.data_validation(1, at, max(1, len(all_tasks)), at, {"validate": "list", "source": list(choices)})
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, len(all_tasks)), len(columns) - 1)


def _read(review: Review, source: Path, annotator: str) -> Brought:
    openpyxl = require("openpyxl", "tables", f"reading {source}")
    unfit = openpyxl.utils.exceptions.InvalidFileException
    try:
        workbook = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, unfit) as error:
        raise InputError(f"{source} cannot be read as a workbook: {error}") from error
    try:
        if _SHEET not in workbook.sheetnames:
            raise InputError(f"{source} has no sheet {_SHEET!r}: it was not written by dsforge review")
        lines = workbook[_SHEET].iter_rows(values_only=True)
        names = [str(name) for name in next(lines, ())]
        if missing := [name for name in _NEEDED if name not in names]:
            raise InputError(f"{source} lacks the column {missing[0]!r}: write it anew by --to, or put the column back")
        passed_over: Counter[str] = Counter()
        saved = seconds(_iso(workbook.properties.modified))
        rows = [dict(zip(names, map(_value, line), strict=False)) for line in lines]
    finally:
        workbook.close()
    return brought(review, TOOL.name, _all_done(rows, annotator or TOOL.name, saved, passed_over), passed_over)


def _iso(time: Any) -> str:
    """A time without a zone is UTC: so Excel writes it."""
    return f"{time.isoformat()}+00:00" if time is not None and time.tzinfo is None else str(time)


def _value(cell: object) -> str:
    return "" if cell is None else str(cell)


def _all_done(rows: list[dict[str, str]], annotator: str, saved: float, passed_over: Counter[str]) -> Iterator[Did]:
    for row in rows:
        if not any(row.values()):
            continue
        before = _before(row["as it was"])
        if before is None:
            passed_over["a line whose hidden column was changed"] += 1
            continue
        better, verdict = row["better"].strip().lower(), row["verdict"].strip().lower()
        if verdict not in ("", *_VERDICTS) or better not in ("", *_CHOICES):
            passed_over[f"a line with a word that is none of {', '.join((*_VERDICTS, *_CHOICES))}"] += 1
            continue
        if emptied := [at for at, digest in enumerate(before["messages"]) if _emptied(row, at, digest)]:
            passed_over["a message that was emptied: delete it in dsforge review"] += len(emptied)
        if actions := list(_actions(row, before)):
            yield Did(row["key"], annotator, saved, actions)
        else:
            passed_over["a line that was left as it is"] += 1


def _before(text: str) -> dict[str, JSON] | None:
    """What `_as_it_was` wrote, None where it was changed."""
    try:
        before = json.loads(text)
    except ValueError:
        return None
    is_ours = isinstance(before, dict) and isinstance(before.get("messages"), list) and "category" in before
    return before if is_ours else None


def _emptied(row: Mapping[str, str], at: int, digest: str | None) -> bool:
    """Whether a message has no text left, while its column is there."""
    return digest is not None and digest != _digest("") and not row.get(f"message {at + 1}", "-").strip()


def _actions(row: Mapping[str, str], before: Mapping[str, JSON]) -> Iterator[Action]:
    """What was changed in a line, and then the verdict."""
    for at, digest in enumerate(before["messages"]):
        text = row.get(f"message {at + 1}")
        if text is not None and text.strip() and digest is not None and _digest(text) != digest:
            yield Edit(at, text)
    if row["category"] != before["category"]:
        yield Categorise(row["category"])
    better, verdict = row["better"].strip().lower(), row["verdict"].strip().lower()
    if verdict == "reject":
        yield Reject(row["reason"].strip())
    elif better in _CHOICES and before.get("pair"):
        yield Prefer(better)  # type: ignore[arg-type]
    elif verdict == "accept":
        yield Accept()


TOOL = Tool(
    name="excel",
    summary="a workbook with a row to a line, its messages to be edited and lists of verdicts; and back",
    write=_write,
    read=_read,
)
