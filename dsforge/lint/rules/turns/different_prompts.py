"""A preference pair whose two answers answer different questions.

Why is this bad?
    The pair is to teach which of two answers is the better one *to the same question*. Here the model learns that the
    one question is better than the other.

Bad:
    {"prompt": [{"role": "system", "content": "Be kind."}], "chosen": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}], "rejected": [{"role": "user", "content": "3 + 3?"}, {"role": "assistant", "content": "5"}]}

Good:
    {"prompt": [{"role": "user", "content": "2 + 2?"}], "chosen": [{"role": "assistant", "content": "4"}], "rejected": [{"role": "assistant", "content": "5"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report


def _check(example: Example, report: Report) -> None:
    if example.chosen is None or example.rejected is None:
        return
    for index, (one, other) in enumerate(zip(example.chosen, example.rejected, strict=False)):
        if one == other:
            continue
        if "assistant" not in (one.role, other.role):  # before the answers differ, the questions must not
            report(f"chosen and rejected differ in what the {one.role} says: they answer different questions",
                   len(example.messages) + index, "give both the same prompt, or remove the row")  # fmt: skip
        return


RULE = ExampleRule("T218", "error", _check, concerns=("pairs",))
