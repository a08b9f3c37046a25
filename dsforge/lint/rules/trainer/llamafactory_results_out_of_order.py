r"""LLaMA-Factory: results of parallel calls in another order than the calls.

Why is this bad?
    Ids of calls are not trained: results are told apart by their place alone, and the model learns from the one
    result as if it were the other's (LLaMA-Factory 0.9.5, `OpenAIDatasetConverter`).

Options:
    target=llamafactory

Bad:
    {"messages": [{"role": "user", "content": "Weather and time?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {}}}, {"id": "2", "type": "function", "function": {"name": "time", "arguments": {}}}]}, {"role": "tool", "tool_call_id": "2", "content": "9:30"}, {"role": "tool", "tool_call_id": "1", "content": "clear"}, {"role": "assistant", "content": "Clear, half past nine."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather and time?"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {}}}, {"id": "2", "type": "function", "function": {"name": "time", "arguments": {}}}]}, {"role": "tool", "tool_call_id": "1", "content": "clear"}, {"role": "tool", "tool_call_id": "2", "content": "9:30"}, {"role": "assistant", "content": "Clear, half past nine."}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    messages = seen.example.messages
    for index, message in enumerate(messages):
        if len(message.tool_calls) < 2:
            continue
        called = [call.id for call in message.tool_calls]
        results = []
        for after in messages[index + 1 :]:
            if after.role != "tool":
                break
            results.append(after.tool_call_id)
        known = [result for result in results if result in called and result is not None]
        if known != sorted(known, key=called.index):
            report(f"results in another order than their calls; {target.title} goes by the order", index + 1,
                   "put them in the order of the calls")  # fmt: skip


RULE = trap("X912", "error", _check)
