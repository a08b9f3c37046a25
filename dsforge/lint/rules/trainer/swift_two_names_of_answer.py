"""ms-swift: two columns that are names of the answer, of which it then reads neither.

Why is this bad?
    response, answer, output, target, solution, text, completion, content and others are names of one column. Where a
    dataset has two of them none is renamed, and every row becomes a question without an answer, of which no token is
    trained (ms-swift 4.6.0, `safe_rename_columns`). Give `--columns`, or leave one out.

Options:
    target=ms-swift

Bad:
    {"question": "2 + 2?", "answer": "4", "solution": "Two and two make four."}

Good:
    {"question": "2 + 2?", "answer": "4"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_NAMES = {"response", "answer", "output", "targets", "target", "answer_key", "answers", "solution", "text",
          "completion", "content"}  # fmt: skip


def _check(seen: Seen, target: Target, report: Report) -> None:
    row = seen.value
    if "instruction" in row and "input" in row and "output" in row:  # Alpaca's: the output is read as it is
        return
    names = [name for name in row if name.lower() in _NAMES]
    if len(names) > 1:
        report(f"{names[0]!r} and {names[1]!r} are names of one column: {target.title} reads neither, and trains "
               "nothing of the row", f"/{names[1]}", f"leave out {names[1]!r}, or give --columns")  # fmt: skip


RULE = trap("X931", "error", _check, ("prompt-completion", "alpaca", "text"))
