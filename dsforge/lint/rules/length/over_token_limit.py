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

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.target import tokens_cut_off

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


_BECOMES = {
    "drop": "{title} drops the whole row",
    "truncate": "{title} cuts off what lies beyond",
    "unstated": "{title} does not say what becomes of it",
}


def _over_limit(target: Target | None) -> str:
    return _BECOMES[target.over_limit].format(title=target.title) if target else "what lies beyond is cut off"


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    limit = settings.max_tokens
    if limit is None:
        return
    target = settings.profile()
    what = _over_limit(target)
    dropped = target is not None and target.over_limit == "drop"
    for index, tokens in enumerate(facts.tokens):
        if tokens > limit:
            lost = "" if dropped else _lost(facts, index, limit, target)
            over = f"{tokens - limit:,} over the limit of {limit:,}"
            report(f"{tokens:,} tokens ({facts.tokenizer}), {over}: {what}{lost}", index,
                   "shorten or split the row, or raise the limit")  # fmt: skip


def _lost(facts: Facts, index: int, limit: int, target: Target | None) -> str:
    """How much of what is trained lies beyond the limit, in words; of several answers the most that it can be."""
    tokens, prompt = facts.tokens[index], facts.prompt_tokens[index]
    trained = tokens - prompt
    if not trained:
        return ""
    answers = facts.answers[index]
    lost = tokens_cut_off(prompt, trained, limit, target, answers)
    if lost == trained and prompt >= limit and answers == 1:
        return f"; the prompt alone has {prompt:,}, so nothing of the answer is left"
    if not lost:
        return ", all of it of the prompt"
    most = "" if answers == 1 else "up to "
    return f", {most}{lost:,} of the {trained:,} trained tokens"


RULE = DatasetRule("L301", "error", _check, frozenset({"tokens"}))
