"""axolotl: a KTO label beside a conversation, where it wants texts.

Why is this bad?
    `type: user_defined` of `rl: kto` reads a prompt, a completion and a label: beside `messages` it finds neither, and
    stops (KeyError); a prompt that is a list of messages it writes as text, brackets and all (axolotl 0.19.0,
    prompt_strategies/kto). Training on answers alone passes over the label, and trains bad answers like good ones.
    `dsforge convert --to prompt-completion` writes texts.

Options:
    target=axolotl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "What?"}], "label": false}

Good:
    {"prompt": "Hi", "completion": "What?", "label": false}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if seen.example.label is None:
        return
    mend = "dsforge convert FILE --to prompt-completion -o OUT.jsonl"
    if {"messages", "conversations"} & seen.value.keys():
        place = "/kto_tag" if seen.value.get("kto_tag") is not None else "/label"
        report(
            f"a label beside a whole conversation: {target.title} reads labels of prompt and completion", place, mend
        )
    elif isinstance(seen.value.get("prompt"), list):
        report(f"a label, and the prompt is a list of messages: {target.title} writes it as text, brackets and all",
               "/prompt", mend)  # fmt: skip


RULE = trap("X944", "error", _check, ("chatml", "sharegpt", "trl"))
