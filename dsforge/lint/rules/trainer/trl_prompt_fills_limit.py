"""TRL: a prompt as long as the limit, with which the row vanishes.

Why is this bad?
    Rows are cut at `max_length` (1,024 unless it is set) from their end. Where the prompt alone fills it, nothing that
    is trained is left, and the row is taken out of the dataset, with no more than a progress bar to show for it (TRL
    1.16, SFT of prompt and completion, DPO and KTO). The limit is that of `--max-tokens`, else TRL's own.

Options:
    target=trl max_tokens=8 tokenizer=approximate

Bad:
    {"prompt": "Here are one, two, three, four, five, six, seven, eight, nine, ten, eleven numbers. The next?", "completion": " Twelve"}

Good:
    {"prompt": "The next number?", "completion": " Twelve"}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import Example
from dsforge.formats.read import ExampleReader
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target

_WITH_PROMPT = ("trl", "prompt-completion", "ultrafeedback", "hh-rlhf")


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    limit = settings.max_tokens
    if limit is None:
        return
    long = {(facts.path[at], facts.row[at]): at for at, tokens in enumerate(facts.tokens)
            if tokens > limit and facts.format[at] in _WITH_PROMPT}  # fmt: skip
    if not long:
        return
    from dsforge.tokens.counter import DEFAULT, get_counter
    from dsforge.tokens.rows import count_examples

    counter = get_counter(settings.tokenizer or DEFAULT)
    for path in dict.fromkeys(path for path, _ in long):
        for row, example in ExampleReader(path, settings.format):  # few rows are as long: they are read once more
            at = long.get((path, row.number))
            if at is None:
                continue
            prompt = next(iter(count_examples([_prompt_of(example)], counter))).longest
            if prompt >= limit:
                report(f"the prompt alone has {prompt:,} tokens, the limit is {limit:,}: {target.title} leaves the row "
                       "out", at, "shorten the prompt, or raise max_length")  # fmt: skip


def _prompt_of(example: Example) -> Example:
    """The example without what is trained."""
    messages = example.messages
    if not example.is_preference:
        asked = [at for at, message in enumerate(messages) if message.role not in ("assistant", "tool")]
        messages = messages[: asked[-1] + 1] if asked else []
    return Example(messages, example.tools)


RULE = dataset_trap("X918", "error", _check, counts_tokens=True)
