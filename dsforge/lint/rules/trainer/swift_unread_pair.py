"""ms-swift: a preference pair under names that it does not know.

Why is this bad?
    It reads the worse answer from `rejected_response` or `rejected_messages`, the better one from the end of the
    conversation. `chosen` and `rejected` are no names it knows: the columns are removed, and what is left is a question,
    which DPO deletes and SFT trains no token of (ms-swift 4.6.0, `remove_useless_columns`). `dsforge convert --to swift`
    writes its names.

Options:
    target=ms-swift

Bad:
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "rejected_response": "What?"}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not seen.example.is_preference or not isinstance(seen.value, dict):
        return
    if not {"rejected_response", "rejected_messages"} & seen.value.keys():
        place = "/rejected" if "rejected" in seen.value else ""
        report(f"{target.title} reads the worse answer as rejected_response, and deletes the pair", place,
               "dsforge convert FILE --to swift -o OUT.jsonl")  # fmt: skip


RULE = trap("X932", "error", _check)
