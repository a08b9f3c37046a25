r"""LLaMA-Factory: tools as a list, where it reads JSON text.

Why is this bad?
    It passes the column to `json.loads`, which fails on a list, and the run stops (LLaMA-Factory 0.9.5,
    `ToolFormatter`). `null` and `""` are fine. `dsforge convert --to sharegpt` writes text.

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}], "tools": [{"name": "weather", "parameters": {"type": "object", "properties": {}}}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}], "tools": "[{\"name\": \"weather\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}]"}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.formats.expect import kind_of
from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    tools = seen.value.get("tools")
    if tools and not isinstance(tools, str):
        report(f"/tools is {kind_of(tools)}; {target.title} reads JSON text and stops at the row", "/tools",
               "write the list as JSON text: dsforge convert FILE --to sharegpt -o OUT.jsonl")  # fmt: skip


RULE = trap("X907", "error", _check, ("sharegpt", "alpaca"))
