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
from dsforge.lint.rules.quality.refusal import TRIGGERS, find_refusal


def _check(example: Example, report: Report) -> None:
    if not example.chosen or not example.rejected:
        return
    chosen, rejected = example.chosen[-1].text, example.rejected[-1].text
    if (found := find_refusal(chosen)) and rejected.strip() and not find_refusal(rejected):
        at = len(example.messages) + len(example.chosen) - 1
        report("the chosen answer refuses, the rejected one answers: are they swapped?", at,
               "swap them, or remove the pair", span=found)  # fmt: skip


RULE = ExampleRule("Q517", "warning", _check, triggers=TRIGGERS, concerns=("pairs",))
