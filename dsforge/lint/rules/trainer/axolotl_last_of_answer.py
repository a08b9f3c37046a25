"""axolotl: an answer of a preference pair in several messages, of which it uses the last.

Why is this bad?
    Of `chosen` and `rejected` the last message is trained; what comes before it, such as a call and its result, is
    nowhere to be seen, in the prompt neither (axolotl 0.19.0, DPO `chat_template.default`).

Options:
    target=axolotl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Well?"}, {"role": "assistant", "content": "How may I help?"}], "rejected": [{"role": "assistant", "content": "What?"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Hello!"}], "rejected": [{"role": "assistant", "content": "What?"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    first = len(seen.example.messages)
    for answer in (seen.example.chosen, seen.example.rejected):
        if answer and len(answer) > 1:
            report(f"an answer of {len(answer)} messages: {target.title} trains the last and drops the others", first,
                   "keep one message, and move what comes before it to the prompt")  # fmt: skip
        first += len(answer or ())


RULE = trap("X942", "error", _check)
