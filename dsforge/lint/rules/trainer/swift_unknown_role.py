"""ms-swift: a role that it does not know, with which the row is deleted.

Why is this bad?
    A row with a role it does not know (`chatgpt`, `model`, `developer`, `function`) is deleted; the first ten leave a
    trace in the log, and the number of rows before and after is one line of it (ms-swift 4.6.0, `_check_messages`).
    With `strict: true` the run stops instead, which is to be preferred.

Options:
    target=ms-swift

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "chatgpt", "value": "Hello!"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_KNOWN = {"system", "user", "human", "assistant", "gpt", "bot", "tool", "tool_call", "tool_response", "function_call",
          "function-call", "function_response", "function-response", "observation", "observations"}  # fmt: skip


def _check(seen: Seen, target: Target, report: Report) -> None:
    key = next((key for key in ("messages", "conversations", "conversation") if key in seen.value), "")
    turns = seen.value.get(key)
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        name = next((word for word in ("role", "from") if word in turn), "")
        if name and turn[name] not in _KNOWN:
            report(f"{target.title} does not know the role {turn[name]!r} and deletes the row",
                   f"/{key}/{index}/{name}", "write system, user, assistant, tool_call or tool_response")  # fmt: skip
            return


RULE = trap("X930", "error", _check, ("chatml", "sharegpt", "swift"))
