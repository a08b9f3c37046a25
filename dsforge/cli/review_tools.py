"""`dsforge review --to` and `--from`: rows out to other tools, and what was done there back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsforge.cli.output import Output, quantity
from dsforge.errors import UsageError

if TYPE_CHECKING:
    from dsforge.review.review import Review
    from dsforge.review.tool import Tool


def tool_and_path(option: str, text: str) -> tuple[Tool, Path]:
    """The tool and the file or folder of `NAME:PATH`.

    Raises:
        UsageError: it is written otherwise, or there is no such tool.
    """
    from dsforge.review.tool import all_tools, get_tool

    name, colon, path = text.partition(":")
    if not colon or not path:
        raise UsageError(f"{option} {text}: write TOOL:PATH, with one of the tools {', '.join(sorted(all_tools()))}")
    return get_tool(name), Path(path)


def send(out: Output, review: Review, text: str) -> int:
    """Write the rows of a review in the form of another tool."""
    tool, path = tool_and_path("--to", text)
    sent = tool.write(review, path)
    left = sum(sent.left_out.values())
    out.say(f"{review.path} -> {path}: {quantity(sent.rows, 'row')} for {tool.name}, {left:,} left out")
    for reason, count in sent.left_out.items():
        out.say(f"  left out {count:,}: {reason}")
    for file in sent.files:
        out.say(f"  wrote    {file}")
    out.result(
        "review", len(review), sent.rows, 0, to=tool.name, files=[str(file) for file in sent.files],
        left_out=dict(sent.left_out),
    )  # fmt: skip
    return 1 if left else 0


def bring(out: Output, review: Review, text: str, annotator: str) -> int:
    """Add to a review what was done in another tool."""
    tool, path = tool_and_path("--from", text)
    brought = tool.read(review, path, annotator)
    new = len(review.add(brought.decisions))
    rows = len({decision.row for decision in brought.decisions})
    out.say(
        f"{path} -> {review.path}: {quantity(new, 'new decision')} on {quantity(rows, 'row')} from {tool.name}, "
        f"{brought.known:,} that the journal has"
    )
    for reason, count in brought.passed_over.items():
        out.say(f"  passed over {count:,}: {reason}")
    out.result(
        "review", len(review), len(review), 0, **{"from": tool.name}, decisions=new, known=brought.known,
        rows=rows, annotators=sorted({decision.annotator for decision in brought.decisions}),
        passed_over=dict(brought.passed_over), journal=str(review.journal.path),
    )  # fmt: skip
    return 0
