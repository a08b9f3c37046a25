"""A row longer than the trainer takes.

Why is this bad?
    What lies beyond the limit is cut off, and that is the end of the answer, with the end-of-turn token: the
    model never learns to stop. Some platforms drop the whole row instead. Neither says so. Give the limit
    with `--max-tokens`, or the platform with `--target`.

Options:
    max_tokens=8 tokenizer=approximate

Bad:
    {"instruction": "Count to twelve in words, please", "output": "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve"}

Good:
    {"instruction": "Hi", "output": "Hello"}
"""  # noqa: E501

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    limit = settings.max_tokens
    if limit is None:
        return
    what = settings.over_limit or "what lies beyond is cut off"
    for index, tokens in enumerate(facts.tokens):
        if tokens > limit:
            report(f"{tokens:,} tokens ({facts.tokenizer}), {tokens - limit:,} over the limit of {limit:,}: {what}",
                   index, "shorten or split the row, or raise the limit")  # fmt: skip


RULE = DatasetRule("L301", "error", _check, frozenset({"tokens"}))
