"""LLaMA-Factory: a turn from somebody whom its tags do not name.

Why is this bad?
    It knows human, gpt, observation, function_call and system; a row with any other role (`user`, `bot`, `tool`,
    `tool_call`) is left out as abnormal, with a warning in the log and no count (LLaMA-Factory 0.9.5,
    `SharegptDatasetConverter`). A dataset_info.json may give other tags: then `--ignore X905`.

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "bot", "value": "Hello!"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_TAGS = {"human", "gpt", "observation", "function_call", "system"}
_MEANT = {"user": "human", "assistant": "gpt", "tool": "observation"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        name = turn.get("from")
        if name is not None and name not in _TAGS:
            meant = "function_call" if str(name).endswith("_call") else _MEANT[_role_at(seen, index)]
            report(f"{target.title} knows no turn from {name!r} and leaves the row out", f"/conversations/{index}/from",
                   f"write {meant!r}")  # fmt: skip


def _role_at(seen: Seen, turn: int) -> str:
    messages = seen.example.messages
    before = len(messages) - len(seen.value["conversations"])  # a system prompt beside the turns
    return messages[turn + before].role


RULE = trap("X905", "error", _check, ("sharegpt",))
