"""LLaMA-Factory: turns that do not go to and fro between those who ask (user, tool) and the assistant.

Why is this bad?
    After a system prompt each turn in an odd place must be of the user or a tool, each in an even place of the
    assistant, and the last must answer. A row with two tool results in a row, a result after a question, or a question
    at the end is emptied and left out, with a warning in the log and no count (LLaMA-Factory 0.9.5,
    `SharegptDatasetConverter`). `dsforge convert --to llamafactory` joins results. Rules T203, T208 and T209 tell of
    two turns of one side, late system prompts and an assistant who begins.

Options:
    target=llamafactory

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}, {"from": "human", "value": "Bye"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_SYSTEM = ("system", "developer")


def _check(seen: Seen, target: Target, report: Report) -> None:
    roles = [message.role for message in seen.example.messages]
    start = 1 if roles and roles[0] in _SYSTEM else 0
    joins_results = seen.format == "chatml"  # only `formatting: openai` reads those with tools
    for index in range(start + 1, len(roles)):
        before, role = roles[index - 1], roles[index]
        if before == "assistant" or role not in ("user", "tool"):
            continue
        if before == "tool" and (role == "user" or not joins_results):
            told = "two tool results in a row" if role == "tool" else "a question after a tool result"
            report(f"{told}: {target.title} leaves the row out", index,
                   "join them: dsforge convert FILE --to llamafactory -o OUT.jsonl" if role == "tool"
                   else "write what the assistant says to the result")  # fmt: skip
            return
        if before == "user" and role == "tool":
            report(f"a tool result after a question: {target.title} leaves the row out", index,
                   "write the assistant's call before it")  # fmt: skip
            return
    last = roles[-1] if roles else "system"
    answered = last == "assistant" or (last == "tool" and joins_results)
    if not seen.example.is_preference and not answered:
        told = f"the row ends with the {last}" if last not in _SYSTEM else "a row without turns"
        report(f"{told}: {target.title} leaves the row out", max(len(roles) - 1, 0),
               "write the answer, or remove what follows the last one")  # fmt: skip


RULE = trap("X906", "error", _check, ("sharegpt", "chatml"))
