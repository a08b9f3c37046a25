r"""TRL, unsloth: arguments of a call as JSON text, which chat templates write as JSON once more.

Why is this bad?
    Both hand the messages to the chat template as they are, and most templates write `arguments | tojson`: from text
    Qwen2.5 makes `"{\"city\": \"Ulm\"}"` and says nothing, Qwen3-Coder fails (TRL 1.16; DeepSeek's template is the one
    that wants text). `dsforge convert --to trl` writes an object.

Options:
    target=trl

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap
from dsforge.lint.rules.turns.call_places import call_places

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.all_messages()):
        for number, call in enumerate(message.tool_calls):
            if call.written is not None:
                report(f"the arguments of the call of {call.name} are text; most templates write them as JSON again",
                       index, "write an object: dsforge convert FILE --to trl -o OUT.jsonl",
                       beside=call_places(number, "arguments"))  # fmt: skip
                break


RULE = trap("X921", "warning", _check, ("chatml", "trl"))
