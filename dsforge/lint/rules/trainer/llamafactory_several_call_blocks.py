r"""LLaMA-Factory: calls of one turn in several `<tool_call>` blocks, of which the first comes last.

Why is this bad?
    It writes the call of the first block anew, after all the others, which it takes for text and leaves as they are: the
    model learns the calls in another order, and in two forms (LLaMA-Factory 0.9.5, `FunctionFormatter`). One block
    with a list of the calls is right; `dsforge convert --to sharegpt` writes one.

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Weather and time?"}, {"from": "function_call", "value": "<tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>"}]}

Good:
    {"conversations": [{"from": "human", "value": "Weather and time?"}, {"from": "function_call", "value": "I look.\n<tool_call>[{\"name\": \"weather\", \"arguments\": {}}, {\"name\": \"time\", \"arguments\": {}}]</tool_call>"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_OPEN = "<tool_call>"


def _check(seen: Seen, target: Target, report: Report) -> None:
    if all(len(message.tool_calls) < 2 for message in seen.example.messages):
        return
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        text = turn.get("value")
        if turn.get("from") == "function_call" and isinstance(text, str) and text.count(_OPEN) > 1:
            report(f"{text.count(_OPEN)} {_OPEN} blocks in a turn: {target.title} puts the first behind the others",
                   f"/conversations/{index}/value", "write one block with a list of the calls: dsforge convert FILE "
                   "--to sharegpt -o OUT.jsonl")  # fmt: skip


RULE = trap("X929", "error", _check, ("sharegpt",))
