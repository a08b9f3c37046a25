"""A field whose name is nearly that of a known one.

Why is this bad?
    Fields that a trainer does not know are passed over without a word: with `weigth` a message is trained
    that was meant not to be, with `tool` the model never sees its tools.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No", "weigth": 0}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No", "weight": 0}]}
"""

from difflib import get_close_matches
from functools import lru_cache

from dsforge.example import Example
from dsforge.io.diagnose import escape_pointer
from dsforge.lint.edit import Edit
from dsforge.lint.rule import ExampleRule, Report

_ROW = (
    "messages",
    "tools",
    "images",
    "videos",
    "audios",
    "system",
    "history",
    "chosen",
    "rejected",
    "label",
    "kto_tag",
)
_MESSAGE = ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "reasoning_content")


@lru_cache(maxsize=4096)
def _meant(name: str, known: tuple[str, ...]) -> str | None:
    near = get_close_matches(name.lower(), known, 1, 0.8)
    return near[0] if near else None


def _check(example: Example, report: Report) -> None:
    if not example.extra and example.chosen is None:
        for message in example.messages:
            if message.extra:
                break
        else:
            return
    for name in example.extra:
        if meant := _meant(name, _ROW):
            fix = None if meant in example.extra else Edit("rename", f"/{escape_pointer(name)}", meant)
            report(f"unknown field {name!r}", f"/{escape_pointer(name)}", f"did you mean {meant!r}?", fix=fix)
    for index, message in enumerate(example.all_messages()):
        for name in message.extra:
            if meant := _meant(name, _MESSAGE):
                fix = None if meant in message.extra else Edit("rename", f"../{escape_pointer(name)}", meant)
                report(f"unknown field {name!r} in the {message.role} message", index, f"did you mean {meant!r}?",
                       fix=fix)  # fmt: skip


RULE = ExampleRule("S111", "warning", _check, fix="unsafe", concerns=("extra",))
