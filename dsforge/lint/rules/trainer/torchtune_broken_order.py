"""torchtune: an answer that does not follow a question, or a row of less than two messages.

Why is this bad?
    Rows are looked at only when their turn comes, in the middle of an epoch, and the first that does not fit ends the
    run. An answer must follow a message of the user: after the result of a tool it may not (torchtune 0.6.1,
    `validate_messages`). Rules T203, T208 and T209 tell of the rest.

Options:
    target=torchtune

Bad:
    {"messages": [{"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    messages = seen.example.messages
    if seen.example.is_preference:  # pairs are not looked at
        return
    if len(messages) < 2:
        report(f"{len(messages)} message; {target.title} wants two at least, and stops at the row",
               help="write the question or the answer, or remove the row")  # fmt: skip
        return
    for index in range(1, len(messages)):
        if messages[index].role == "assistant" and messages[index - 1].role == "tool":
            report(f"an answer after a tool result; {target.title} wants a question before it, and stops there", index,
                   "leave rows with calls of tools out")  # fmt: skip
            return


RULE = trap("X950", "error", _check, ("chatml", "sharegpt"))
