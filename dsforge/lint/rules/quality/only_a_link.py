"""An answer that is nothing but a link.

Why is this bad?
    Models cannot look links up, and learn to make them up.

Bad:
    {"instruction": "What is the weather in Ulm?", "output": "https://weather.lamps.at/ulm"}

Good:
    {"instruction": "What is the weather in Ulm?", "output": "Fog; see https://weather.lamps.at/ulm for tomorrow."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_LINK = re.compile(r"(?:\[[^\]]*\]\(|<)?(?:https?://|www\.)\S+")
_ASKED = re.compile(
    r"\burls?\b|\blinks?\b|\bwebsite|web ?page|\baddress|\bendpoint|\bhttp|网址|链接|网站|地址", re.IGNORECASE
)


def _is_only_links(text: str) -> bool:
    words = text.split()
    return bool(words) and all(_LINK.match(word) for word in words)


def _check(example: Example, report: Report) -> None:
    asked = ""
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant":
            asked = text
        elif len(text) < 400 and _is_only_links(text) and not _ASKED.search(asked):
            report("the answer is nothing but a link", index, "say what stands there", span=(0, len(text)))


RULE = ExampleRule("Q515", "warning", _check, triggers=("http://", "https://", "www."))
