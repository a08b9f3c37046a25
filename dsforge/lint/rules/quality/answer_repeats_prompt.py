"""An answer that is, or begins with, the question.

Why is this bad?
    The model learns to say everything twice; mostly the prompt was left in by the program that cut the answer out.

Bad:
    {"instruction": "Explain to a child of six why the sky is blue in the daytime", "output": "Explain to a child of six why the sky is blue in the daytime\\n\\nBecause the air scatters blue light."}

Good:
    {"instruction": "Explain to a child of six why the sky is blue in the daytime", "output": "Because the air scatters blue light."}
"""  # noqa: E501

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_LEAST = 24
"""A shorter question may well be how its answer begins."""
_CODE = re.compile(
    r"\s*(?:def |class |import |from \w+ import|#include|function |public |const |package |SELECT |<[a-z!])"
)


def _goes_on(question: str, text: str) -> bool:
    """Whether what follows the question goes on with its sentence."""
    return question[-1] not in "?？.。!！" and text[len(question)] not in "\n?？"


def _check(example: Example, report: Report) -> None:
    asked = ""
    for index, message in enumerate(wanted_messages(example)):
        text = message.content
        if type(text) is not str:
            continue
        if message.role == "user":
            asked = text
        elif message.role == "assistant" and asked and text[:8] == asked[:8]:
            question = asked.strip()
            if len(question) >= _LEAST and text.startswith(question):
                whole = len(text.strip()) <= len(question) + 1
                if not whole and (_CODE.match(question) or _goes_on(question, text)):
                    continue  # a sentence or a program that the answer completes
                report("the answer is the question itself" if whole else "the answer begins with the whole question",
                       index, "leave the question out of the answer", span=(0, len(question)))  # fmt: skip


RULE = ExampleRule("Q508", "warning", _check)
