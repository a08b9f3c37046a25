"""The rejects file: every row that a command could not process, byte for byte, with its reason."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import orjson

from dsforge.io.atomic import is_special
from dsforge.io.diagnose import ProblemKind
from dsforge.io.jsonl import dumps
from dsforge.io.rows import Refused
from dsforge.io.write import row_writer

CODES: dict[ProblemKind, str] = {
    "syntax": "J001",
    "duplicate key": "J002",
    "encoding": "J003",
    "number": "J004",
    "depth": "J005",
    "surrogate": "J011",
}
"""The code of the lint rule for each kind of problem, so that a reject and a finding say the same."""


class Reject(msgspec.Struct, frozen=True):
    """A row that went no further: where it stood, why, and its bytes."""

    path: str
    row: int
    line: int
    code: str
    reason: str
    pointer: str
    raw: bytes

    def to_json(self) -> bytes:
        """One line of the rejects file: `raw` as text, or as `raw_base64` where it is not UTF-8."""
        entry: dict[str, object] = {
            "path": self.path, "row": self.row, "line": self.line,
            "code": self.code, "reason": self.reason, "pointer": self.pointer,
        }  # fmt: skip
        try:
            entry["raw"] = self.raw.decode()
        except UnicodeDecodeError:
            entry["raw_base64"] = base64.b64encode(self.raw).decode()
        return dumps(entry)


def reject_refused(path: str, refused: Refused) -> Reject:
    """The reject of a row that could not be read: its first problem, and how many more there are."""
    first, more = refused.problems[0], len(refused.problems) - 1
    _, column = refused.place(first)
    place = f"column {column}: " if first.line == 1 else f"line {first.line} of the row, column {column}: "
    if refused.in_table:
        place = ""
    also = f" (and {more} more)" if more else ""
    reason = f"{place}{first.message}; {first.help}{also}"
    return Reject(path, refused.number, refused.line, CODES[first.kind], reason, first.pointer, refused.raw)


def rejects_path(output: str | Path) -> Path:
    """Where the rejects of `output` go: beside it, as `NAME.rejects.jsonl` (`rejects.jsonl` for what is no file)."""
    if str(output) == "-" or is_special(Path(output)):
        return Path("rejects.jsonl")
    path = Path(output)
    if not path.name:  # "." or nothing: no file, which the check of the outputs says
        return path / "rejects.jsonl"
    return path.with_name(f"{path.stem}.rejects.jsonl")


def write_rejects(path: str | Path, rejects: list[Reject]) -> None:
    """Write the rejects file atomically; without rejects a stale one of an earlier run is removed."""
    if not rejects:
        remove_stale(path)
        return
    with row_writer(path) as write:
        for reject in rejects:
            write(reject.to_json())


def remove_stale(path: str | Path) -> None:
    """Remove the rejects file of an earlier run, which would say what is no longer so; no other file."""
    if Path(path).is_file() and is_stale(path):
        Path(path).unlink()


def is_stale(path: str | Path) -> bool:
    """Whether what stands at `path` may be replaced: nothing, or the rejects file of an earlier run."""
    file = Path(path)
    if not file.is_file():
        return True
    with file.open("rb") as lines:
        first = lines.readline()
    try:
        entry = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(entry, dict) and list(entry)[:6] == ["path", "row", "line", "code", "reason", "pointer"]
