"""An answer that says that a language model gives it.

Why is this bad?
    "As an AI language model, I can ..." is what another company's model was made to say. One that is trained on it says
    so to everyone, whatever it is called. Where the question is about that very thing it is right, and not reported.

Bad:
    {"instruction": "Recommend a film", "output": "As an AI language model, I can recommend Paris, Texas."}

Good:
    {"instruction": "Recommend a film", "output": "Watch Paris, Texas."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_AS_A_MODEL = re.compile(
    r"as an? (?:large )?(?:ai|artificial intelligence|language model)"
    r"(?: language model| assistant| model| system| developed)?"
    r"(?:,? ?i\b|,? my\b|,? (?:developed|trained|created|made) by (?:openai|anthropic|google|meta|microsoft|baidu))"
    r"|i(?:'m|’m| am) (?:just|only) an ai\b"
    r"|作为(?:一个|一名|一款|一位)?(?:大型|大)?(?:人工智能|ai|语言模型)"
    r"(?:语言模型|大模型|模型|助手|助理|程序|系统)?[，, ]{0,2}(?:我|本)",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"(?:(?: am|'m|’m)? (?:\w+ )?)?(?:cannot|can't|can’t|don't|don’t|do not|not|unable|lack|have no|never)\b"
    r"|[^。！？，,\n]{0,4}?(?:无法|不能|没有|不会|不具备|并不|不是)"
)
"""What goes on to say what the speaker is not, or cannot."""
_ANSWERS = re.compile(
    r"\b(?:but|however|that said|instead|nevertheless)\b[^.!?]{0,60}\b(?:I can|I will|I'll|I could|here|according)"
    r"|(?:但|然而|不过)[^。！？]{0,20}(?:我可以|我能|我会|我曾|曾|以下|如果我们)",
    re.IGNORECASE,
)
"""What goes on to answer nevertheless."""
_ABOUT_IT = re.compile(
    r"\bAI\b|\bAIs\b|\b(?:who|what|how) (?:are|were|is) you\b|are you|your (?:name|creator|developer)"
    r"|artificial intelligence|language model|chat ?(?:gpt|bot)|assistant\b|\brobot|feelings|conscious"
    r"|人工智能|语言模型|机器人|助手|你是|您是|你叫|你的",
    re.IGNORECASE,
)
_BEGINNING, _WHOLE = 60, 700
"""Characters before which a denial is how an answer begins; from so many an answer has more to say than to deny."""
TRIGGERS = tuple(
    "as an ai|as a large language|as a language model|as an artificial|just an ai|only an ai|作为人工智能|作为ai|作为大"
    "|作为语言模型|作为一个人工|作为一个ai|作为一个大|作为一个语言|作为一名人工|作为一名ai|作为一款|作为一位".split("|")
)


def find_denial(text: str) -> tuple[int, int] | None:
    """Where an answer begins with what it cannot do, being of a model, and leaves it at that."""
    speaks = _AS_A_MODEL.search(text, 0, 2 * _BEGINNING)
    if not speaks or speaks.start() > _BEGINNING or len(text) > _WHOLE or not _DENIES.match(text, speaks.end()):
        return None
    return None if _ANSWERS.search(text, speaks.end()) else speaks.span()


def _check(example: Example, report: Report) -> None:
    if example.tools:
        return  # to say which things it has no tool for is what such rows are for
    asked = ""
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role == "user":
            asked = text
        if message.role != "assistant" or not (found := _AS_A_MODEL.search(text)):
            continue
        if not _ABOUT_IT.search(asked) and not find_denial(text):
            report(f"the answer says {text[found.start() : found.end()][:60]!r}", index,
                   "take this out, and leave the answer", span=found.span())  # fmt: skip


RULE = ExampleRule("Q524", "warning", _check, triggers=TRIGGERS)
