"""NeMo Automodel: a ShareGPT role that it does not map.

Why is this bad?
    It maps human, user, gpt, assistant, chatgpt, model, bot and system; calls and results of tools (`function_call`,
    `observation`) and anything else end the run with a ValueError (nemo_automodel 0.7.0, `ChatDataset`). `dsforge
    convert --to chatml` writes calls as it reads them.

Options:
    target=nemo

Bad:
    {"conversations": [{"from": "User", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_ROLES = {"system", "human", "user", "gpt", "assistant", "chatgpt", "model", "bot"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value["conversations"]
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        key = "from" if "from" in turn else "role"
        if turn.get(key) not in _ROLES:
            report(f"{target.title} maps no role {turn.get(key)!r}, and stops at the row",
                   f"/conversations/{index}/{key}", "dsforge convert FILE --to chatml -o OUT.jsonl")  # fmt: skip
            return


RULE = trap("X959", "error", _check, ("sharegpt",))
