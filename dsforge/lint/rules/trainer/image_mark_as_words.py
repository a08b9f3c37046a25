"""TRL, axolotl, unsloth, torchtune: the mark `<image>` in the text, which they read as words.

Why is this bad?
    They put the files of the `images` column in a place of their own (TRL 1.16 before the first question, axolotl
    0.19.0 the first alone behind it), in none (unsloth 2026.10.9), or do not read it (torchtune 0.6.1); the mark stays
    in the text as seven characters. Write the images into the content: `dsforge convert --to chatml`.

Options:
    target=trl

Bad:
    {"messages": [{"role": "user", "content": "<image>What is this?"}, {"role": "assistant", "content": "A cat"}], "images": ["cat.png"]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "image", "image": "cat.png"}, {"type": "text", "text": "What is this?"}]}, {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.formats.marks import MEDIA_COLUMNS
from dsforge.lint.place import value_at
from dsforge.lint.rules.trainer.trap import trap
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not isinstance(seen.value, dict) or not MEDIA_COLUMNS & seen.value.keys():
        return
    for written in written_messages(seen):
        media, place = written.message.media, written.text_pointer
        if media and isinstance(value_at(seen.value, place), str):
            report(f"{target.title} reads <{media[0].kind}> in the text as words, not as the place of the file", place,
                   "write it into the content: dsforge convert FILE --to chatml -o OUT.jsonl")  # fmt: skip
            return


RULE = trap("X928", "warning", _check)
