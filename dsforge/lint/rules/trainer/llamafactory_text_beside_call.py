r"""LLaMA-Factory: text beside `tool_calls`, which it throws away.

Why is this bad?
    `formatting: openai`, the only one that reads `tool_calls`, puts the calls in the place of the content
    (LLaMA-Factory 0.9.5, `OpenAIDatasetConverter`). As ShareGPT both are kept: `dsforge convert --to sharegpt` writes
    the text, then the call in `<tool_call>` marks.

Options:
    target=llamafactory

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "Let me see.", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    for index, message in enumerate(seen.example.messages):
        if message.tool_calls and message.text:
            report(f"{target.title} throws away the text beside the calls", index,
                   "dsforge convert FILE --to sharegpt -o OUT.jsonl keeps both")  # fmt: skip


RULE = trap("X909", "error", _check, ("chatml",))
