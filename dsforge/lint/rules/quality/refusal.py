"""An answer that refuses, or speaks of itself as a language model.

Why is this bad?
    It was written by another model, for the rules of another company. A model trained on such rows refuses what it
    should do, and says "as an AI language model" to everyone. Where refusing is what is to be learnt: `--ignore Q504`.

Bad:
    {"instruction": "Recommend a film", "output": "As an AI language model, I do not have personal preferences."}

Good:
    {"instruction": "Recommend a film", "output": "Watch Paris, Texas."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_AS_A_MODEL = re.compile(
    r"as an? (?:large )?(?:ai|artificial intelligence|language model)"
    r"(?: language model| assistant| model| system| developed)?"
    r"(?:,? ?i\b|,? my\b|,? (?:developed|trained|created|made) by (?:openai|anthropic|google|meta|microsoft|baidu))"
    r"|i(?:'m|’m| am) (?:just|only) an ai\b"
    r"|作为(?:一个|一名|一款|一位)?(?:大型|大)?(?:人工智能|ai|语言模型)"
    r"(?:语言模型|大模型|模型|助手|助理|程序|系统)?[，, ]{0,2}(?:我|本)",
    re.IGNORECASE,
)
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
    "as an ai|as a large language|as a language model|as an artificial|just an ai|only an ai|作为人工智能|作为ai|作为大"
    "|作为语言模型|作为一个人工|作为一个ai|作为一个大|作为一个语言|作为一名人工|作为一名ai|作为一款|作为一位"
    "|i cannot|i can't|i can’t|i can not|unable to|not able to|i won't be able|i won’t be able"
    "|i must|i have to|抱歉|对不起|我无法|我不能|我没有办法".split("|")
)


def find_refusal(text: str) -> tuple[int, int] | None:
    """Where an answer begins by refusing, None where it does not."""
    refuses = _REFUSES.match(text)
    return refuses.span() if refuses else None


def _find(text: str) -> tuple[int, int] | None:
    speaks = _AS_A_MODEL.search(text)
    return speaks.span() if speaks else find_refusal(text)


def _check(example: Example, report: Report) -> None:
    if example.tools or example.label is False:
        return  # to say that no tool is fit, or what is not wanted, is what such rows are for
    trained = example.messages + (example.chosen or [])
    for index, message in enumerate(trained):
        if message.role == "assistant" and (found := _find(message.text)):
            said = message.text[found[0] : found[1]]
            report(f"the answer says {said[:60]!r}", index, "write the answer, or remove the row", span=found)


RULE = ExampleRule("Q504", "warning", _check, triggers=TRIGGERS)
