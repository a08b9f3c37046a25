"""An answer that refuses.

Why is this bad?
    It was written by another model, for the rules of another company. A model trained on such rows refuses what it
    should do. Of a pair whose rejected answer does not refuse Q517 tells; an answer that says "as an AI" and answers
    is Q524's. Where refusing is what is to be learnt: `--ignore Q504`.

Bad:
    {"instruction": "Recommend a film", "output": "As an AI language model, I do not have personal preferences."}

Good:
    {"instruction": "Recommend a film", "output": "Watch Paris, Texas."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.speaks_of_itself import TRIGGERS as OF_ITSELF
from dsforge.lint.rules.quality.speaks_of_itself import find_denial
from dsforge.lint.rules.quality.wanted import wanted_messages

_REFUSES = re.compile(
    r"\W{0,3}(?:(?:I'm|I’m|I am|I apologi[sz]e|Sorry|My apologies|Unfortunately)\b[^.!?\n]{0,30}?[,.]? ?(?:but )?)?"
    r"I(?: am|'m|’m)? ?(?:cannot|can't|can’t|can not|unable to|not able to|won't be able to) (?:\w+ )?"
    r"(?:fulfil|assist|help (?:you|with)|comply|provide|answer|generate|create|do (?:that|this)|complete|engage|support"
    r"|respond|write|discuss|offer)"
    r"|\W{0,3}(?:I'm sorry, but )?I (?:must|have to) (?:respectfully )?(?:decline|refuse)\b"
    r"|\W{0,3}(?:(?:Sorry|I'm sorry)[, ]+(?:but )?)?I won(?:'t|’t) be able to (?:help|assist|answer|provide|do that)\b"
    r"|\W{0,3}(?:这个问题)?我(?:无法|不能|没有办法)(?:回答|满足|协助|帮助|提供|完成)(?:你|您|该|这|此|相关|。|$)"
    r"|\W{0,3}(?:很抱歉|抱歉|对不起|非常抱歉)[^。\n]{0,12}?(?:我|本人)?(?:无法|不能|没有办法)"
    r"(?:回答|提供|帮助|完成|满足|协助|生成|执行|处理)",
    re.IGNORECASE,
)
TRIGGERS = tuple(
    "i cannot|i can't|i can’t|i can not|unable to|not able to|i won't be able|i won’t be able"
    "|i must|i have to|抱歉|对不起|我无法|我不能|我没有办法".split("|")
)


def find_refusal(text: str) -> tuple[int, int] | None:
    """Where an answer begins by refusing, None where it does not."""
    refuses = _REFUSES.match(text)
    return refuses.span() if refuses else None


def prefers_a_refusal(example: Example) -> bool:
    """Whether the chosen answer of a pair refuses, and the rejected one answers."""
    if not example.chosen or not example.rejected:
        return False
    rejected = example.rejected[-1].text
    return bool(find_refusal(example.chosen[-1].text) and rejected.strip() and not find_refusal(rejected))


def _check(example: Example, report: Report) -> None:
    if example.tools:
        return  # to say that no tool is fit is what such rows are for
    messages = wanted_messages(example)
    told_of = len(messages) - 1 if prefers_a_refusal(example) else -1
    for index, message in enumerate(messages):
        if message.role != "assistant" or index == told_of:
            continue
        if found := find_denial(message.text) or find_refusal(message.text):
            said = message.text[found[0] : found[1]]
            report(f"the answer says {said[:60]!r}", index, "write the answer, or remove the row", span=found)


RULE = ExampleRule("Q504", "warning", _check, triggers=(*OF_ITSELF, *TRIGGERS))
