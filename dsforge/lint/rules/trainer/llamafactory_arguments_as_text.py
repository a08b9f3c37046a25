r"""LLaMA-Factory: arguments of a call as JSON text, which it writes as JSON once more.

Why is this bad?
    The model learns calls like `{"arguments": "{\"city\": \"Ulm\"}"}`: text where the tool's argument should stand
    (LLaMA-Factory 0.9.5, `FunctionFormatter`). With an object they are right; `dsforge convert --to sharegpt` writes
    one.

Options:
    target=llamafactory

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import report_written_arguments, trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    report_written_arguments(seen, report, f"{target.title} writes them", "sharegpt")


RULE = trap("X910", "error", _check, ("chatml", "sharegpt"))
