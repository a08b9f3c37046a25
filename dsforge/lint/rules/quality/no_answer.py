"""An answer that only holds a place: N/A, TODO, an ellipsis.

Why is this bad?
    Some program wrote it where there was nothing. Trained on it, the model answers real questions with it.

Bad:
    {"instruction": "Describe the weather in Ulm", "output": "N/A"}

Good:
    {"instruction": "Describe the weather in Ulm", "output": "Fog until noon."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_LONGEST = 24
_PLACE_HOLDERS = frozenset(
    "n/a|n/a.|n.a.|todo|tbd|fixme|...|…|xxx|???|--|---|___|placeholder|noinput|nooutput|no input|no output|no answer"
    "|no response|your answer|your answer here|insert answer here|answer here|[answer]|lorem ipsum|asdf|暂无"
    "|待补充|待填写|无答案|无输出|（空）|(空)".split("|")
)
_EMPTY = frozenset(("none", "none.", "null", "nan", "undefined"))
_ASKED_FOR = re.compile(
    r"code|python|java|sql|json|return|print|output|value|type|which|what|function|correct|none|null|代码|函数|返回|输出|哪|什么",
    re.IGNORECASE,
)
"""A question of this kind may have one of these words as its answer."""


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.content
        if type(text) is str and len(text) <= _LONGEST and message.role == "assistant":
            bare = text.strip()
            word = bare.lower()
            if word in _PLACE_HOLDERS or (word in _EMPTY and not _is_asked_for(example)):
                report(f"the whole answer is {bare!r}", index, "write the answer, or remove the row",
                       span=(0, len(text)))  # fmt: skip


def _is_asked_for(example: Example) -> bool:
    return any(_ASKED_FOR.search(message.text) for message in example.messages if message.role != "assistant")


RULE = ExampleRule("Q505", "warning", _check, concerns=("short",))
