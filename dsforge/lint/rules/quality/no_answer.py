"""An answer that only holds a place: N/A, TODO, an ellipsis.

Why is this bad?
    Some program wrote it where there was nothing. Trained on it, the model answers real questions with it.

Bad:
    {"instruction": "Describe the weather in Ulm", "output": "N/A"}

Good:
    {"instruction": "Describe the weather in Ulm", "output": "Fog until noon."}
"""

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_LONGEST = 24
_PLACE_HOLDERS = frozenset(
    "n/a|n.a.|todo|tbd|fixme|...|…|xxx|???|--|---|___|placeholder|noinput|nooutput|no input|no output|no answer"
    "|no response|your answer|your answer here|insert answer here|answer here|[answer]|lorem ipsum|asdf|暂无"
    "|待补充|待填写|无答案|无输出|（空）|(空)".split("|")
)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.content
        if type(text) is str and len(text) <= _LONGEST and message.role == "assistant":
            bare = text.strip()
            if bare.lower() in _PLACE_HOLDERS:
                report(f"the whole answer is {bare!r}", index, "write the answer, or remove the row",
                       span=(0, len(text)))  # fmt: skip


RULE = ExampleRule("Q505", "warning", _check)
