"""NeMo: a row of its older chat format that begins with the side that is trained.

Why is this bad?
    Rows with a `mask` are those of NeMo's `GPTSFTChatDataset`. It masks the first turn whole, whoever speaks: an answer
    that stands first is never trained (NVIDIA/NeMo, commit 083822e).

Options:
    target=nemo

Bad:
    {"system": "", "mask": "User", "conversations": [{"from": "Assistant", "value": "Hello! How may I help?"}, {"from": "User", "value": "Hi"}, {"from": "Assistant", "value": "Hi!"}]}

Good:
    {"system": "", "mask": "User", "conversations": [{"from": "User", "value": "Hi"}, {"from": "Assistant", "value": "Hi!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    mask, turns = seen.value.get("mask"), seen.value["conversations"]
    if isinstance(mask, str) and isinstance(turns, list) and turns and turns[0].get("from") != mask:
        report(f"the first turn is not of {mask!r}, which is masked: NeMo's chat format masks it all the same",
               "/conversations/0", "write the question before it")  # fmt: skip


RULE = trap("X960", "warning", _check, ("sharegpt",))
