r"""axolotl: an answer of a preference pair with white space at its edge.

Why is this bad?
    It renders the answer and looks for it in what comes out. Many templates trim (Llama 3, Gemma): the text is then not
    found, and one letter is trained as the answer, the last of the rendered turn, or nothing at all (axolotl 0.19.0, DPO
    `chat_template.default`).

Options:
    target=axolotl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}], "chosen": {"role": "assistant", "content": "Hello!\n"}, "rejected": {"role": "assistant", "content": "What?"}}

Good:
    {"messages": [{"role": "user", "content": "Hi"}], "chosen": {"role": "assistant", "content": "Hello!"}, "rejected": {"role": "assistant", "content": "What?"}}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    example = seen.example
    if example.chosen is None or example.rejected is None:
        return
    for at in (len(example.messages) + len(example.chosen) - 1, len(example.all_messages()) - 1):
        text = example.all_messages()[at].text
        if text != text.strip():
            report(f"white space at the edge of an answer: where the template trims, {target.title} trains a letter",
                   at, "remove it")  # fmt: skip


RULE = trap("X941", "error", _check)
