r"""LLaMA-Factory: a call without arguments.

Why is this bad?
    It looks up `arguments` in each call, and the run stops at the first that has none (LLaMA-Factory 0.9.5,
    `FunctionFormatter`: KeyError). A call that needs none has an empty object.

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Time?"}, {"from": "function_call", "value": "{\"name\": \"time\"}"}, {"from": "observation", "value": "9:30"}, {"from": "gpt", "value": "Half past nine."}]}

Good:
    {"conversations": [{"from": "human", "value": "Time?"}, {"from": "function_call", "value": "{\"name\": \"time\", \"arguments\": {}}"}, {"from": "observation", "value": "9:30"}, {"from": "gpt", "value": "Half past nine."}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.all_messages()):
        for call in message.tool_calls:
            if call.arguments is None and call.written is None and '"arguments"' not in str(_written(seen, index)):
                report(f"the call of {call.name} has no arguments: {target.title} stops at the row", index,
                       'write "arguments": {}')  # fmt: skip


def _written(seen: Seen, index: int) -> object:
    """The value of a turn; null for arguments is read as they stand."""
    at = index - (len(seen.example.messages) - len(seen.value["conversations"]))
    return seen.value["conversations"][at].get("value") if 0 <= at < len(seen.value["conversations"]) else ""


RULE = trap("X908", "error", _check, ("sharegpt",))
