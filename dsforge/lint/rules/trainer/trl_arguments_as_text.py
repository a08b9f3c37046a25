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

from dsforge.lint.rules.trainer.trap import report_written_arguments, trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    report_written_arguments(seen, report, "most templates write them", "trl")


RULE = trap("X921", "warning", _check, ("chatml", "trl"))
