"""A preference pair whose chosen answer refuses what the rejected one does.

Why is this bad?
    The pair teaches that not answering is better. Where that is the aim, as in data about safety: `--ignore Q517`.

Bad:
    {"prompt": "How do I boil an egg?", "chosen": "I'm sorry, but I cannot help with that.", "rejected": "Seven minutes in boiling water."}

Good:
    {"prompt": "How do I boil an egg?", "chosen": "Seven minutes in boiling water.", "rejected": "I'm sorry, but I cannot help with that."}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.refusal import TRIGGERS, find_refusal, prefers_a_refusal


def _check(example: Example, report: Report) -> None:
    if example.chosen and prefers_a_refusal(example):
        at = len(example.messages) + len(example.chosen) - 1
        report("the chosen answer refuses, the rejected one answers: are they swapped?", at,
               "swap them, or remove the pair", span=find_refusal(example.chosen[-1].text))  # fmt: skip


RULE = ExampleRule("Q517", "warning", _check, triggers=TRIGGERS, concerns=("pairs",))
