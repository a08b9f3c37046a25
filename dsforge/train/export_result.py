"""What came of an export, as a value and as the pages that go along with it."""

from __future__ import annotations

import msgspec

from dsforge import __version__
from dsforge.io.rejects import Reject
from dsforge.train.config import TrainConfig
from dsforge.train.exporter import Export

REJECTS = "rejects.jsonl"


class Looked(msgspec.Struct):
    """What was found in the exported rows before the trainer sees them.

    `errors` are lines for a person, `outcomes` others that tell of rows that are not trained as they stand; `effects`
    is how many rows the trainer would keep, change, cut, leave out and so on, `verdict` the same in a sentence.
    """

    errors: list[str] = []
    outcomes: list[str] = []
    effects: dict[str, int] = {}
    verdict: str = ""


class ExportResult(msgspec.Struct):
    """What an export did. `losses` counts, by feature, the rows whose form cannot hold it, `left_out` are settings
    without a counterpart, `notes` further things to know; `files` are relative to the folder. `media_rows` name images
    and the like. `written` is False where `looked` found errors and nothing was written.

    Conservation: rows_in = rows_out + rows_rejected.
    """

    trainer: str
    method: str
    command: str
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    formats: dict[str, int] = {}
    losses: dict[str, int] = {}
    left_out: list[str] = []
    notes: list[str] = []
    files: list[str] = []
    rejects: list[Reject] = []
    media_rows: int = 0
    looked: Looked = msgspec.field(default_factory=Looked)
    written: bool = True


def readme_of(export: Export, config: TrainConfig, result: ExportResult) -> str:
    """The README.md of an exported folder: how to run it, and what was lost or changed."""
    lines = [
        f"# {config.method.name} by {export.title}",
        "",
        f"Written by dsforge {__version__} for {export.written_for}.",
        "",
        f"    {export.install}",
        f"    cd THIS_FOLDER && {result.command}",
        "",
        "Paths in the configuration count from this folder.",
        "",
        f"{_rows(result.rows_in)} in, {result.rows_out:,} written, {result.rows_rejected:,} rejected"
        + (f" ({REJECTS} says why)." if result.rows_rejected else "."),
    ]
    lines += [result.looked.verdict + "."] if result.looked.verdict else []
    for title, items in (
        ("What the form of the rows does not hold", [f"{name}: {_rows(rows)}" for name, rows in result.losses.items()]),
        ("Settings that are not carried over", result.left_out),
        ("To know", result.notes),
        (f"What {export.title} makes of the rows", result.looked.outcomes),
        ("Errors that were let pass (--force)", result.looked.errors),
    ):
        if items:
            lines += ["", f"## {title}", "", *(f"- {_one_line(item)}" for item in items)]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """Any text as one line of Markdown that means nothing else."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|" else char for char in " ".join(text.split()))


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def manifest_of(export: Export, config: TrainConfig, result: ExportResult) -> bytes:
    """The export.json of an exported folder: what it was made from, and what came of it."""
    content = {
        "made_by": f"dsforge {__version__}",
        "trainer": export.name,
        "written_for": export.written_for,
        "config": config.model_dump(mode="json"),
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_rejected": result.rows_rejected,
        "losses": result.losses,
        "left_out": result.left_out,
        "notes": result.notes,
        "files": result.files,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
