"""KTO: answers labelled good become likelier, those labelled bad less so, by TRL's KTOTrainer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from dsforge.errors import ConfigError, RowError
from dsforge.example import Example
from dsforge.formats.trl import start_of_completion
from dsforge.tokens.answers import Answers, Said, encode_answers, render_answers
from dsforge.tokens.template import ChatTemplate
from dsforge.train.batching import batch_size
from dsforge.train.config import TrainConfig
from dsforge.train.pairs import answers_of_pair, check_reference, prompt_length
from dsforge.train.recipe import Recipe, Trainer
from dsforge.train.token_rows import Lists, TokenRows, dataset_of

_WITHOUT_KL = "apo_zero_unpaired"


def _accept(example: Example) -> None:
    if example.label is None and not example.is_preference:
        raise RowError("no label; method=kto trains answers labelled good or bad, or pairs", "", "X902")


def _render(template: ChatTemplate, example: Example) -> Answers:
    said = answers_of_pair(example)
    prompt = example.messages
    if not example.is_preference:
        start = start_of_completion(prompt)
        name = "good" if example.label else "bad"
        said, prompt = [Said(prompt[start:], "/messages", name, start, example.label)], prompt[:start]
    return render_answers(template, prompt, said, example.tools, apart=True)


class _Labelled(NamedTuple):
    """An answer with its label; `tail` is what was cut off it."""

    prompt: list[int]
    answer: list[int]
    tail: list[int]
    good: bool


def _unpaired(rows: TokenRows, distance: int) -> Iterator[_Labelled]:
    """Every answer with its label; a rejected one stands `distance` pairs behind its chosen one.

    TRL puts the chosen answers of 1,000 pairs before their rejected ones, so that all of a batch have one label;
    side by side, the two of a pair would be each other's neighbours.
    """
    beside = zip(rows.tails, rows.good, strict=True)
    waiting: deque[_Labelled] = deque()
    for row in rows.rows():
        answers = []
        for ids, labels in row:
            start = prompt_length(labels)
            answers.append(_Labelled(ids[:start], ids[start:], *next(beside)))
        yield answers[0]
        waiting += answers[1:]
        if len(row) > 1 and len(waiting) > distance:
            yield waiting.popleft()
    yield from waiting


def _dataset(rows: TokenRows, config: TrainConfig) -> Any:
    """The columns of KTOTrainer's own preparation; each row's KL answer is that of its neighbour in the batch."""
    prompts, answers, others, labels = Lists(), Lists(), Lists(), []
    labelled = _unpaired(rows, batch_size(config))
    while batch := list(islice(labelled, batch_size(config))):
        for one, neighbour in zip(batch, [batch[-1], *batch[:-1]], strict=True):
            prompts.append(one.prompt)
            answers.append(one.answer)
            others.append(neighbour.answer + neighbour.tail)  # behind another prompt there may be room for it
            labels.append(one.good)
    columns: dict[str, Lists | list[bool]] = {"prompt_ids": prompts, "completion_ids": answers, "label": labels}
    if config.trl.get("loss_type") != _WITHOUT_KL:
        columns["KL_completion_ids"] = others
    return dataset_of(columns)


def _check(config: TrainConfig) -> None:
    check_reference(config)
    if config.trl.get("loss_type") == _WITHOUT_KL:
        return
    if batch_size(config) < 2:
        raise ConfigError(
            "trl.per_device_train_batch_size=1: KTO compares an answer with those of its batch; set 2 or more "
            f"(and lower trl.gradient_accumulation_steps), or trl.loss_type={_WITHOUT_KL}"
        )
    sampling = config.trl.get("train_sampling_strategy", "sequential")
    if sampling != "sequential":
        raise ConfigError(f"trl.train_sampling_strategy={sampling}: KTO takes batches as they stand: sequential")


def _weight(config: TrainConfig, name: str) -> float:
    weight = config.trl.get(name, 1.0)
    return float(weight) if isinstance(weight, (int, float)) else 1.0


def _cautions(config: TrainConfig, rows: TokenRows) -> list[str]:
    total, good = len(rows.good), sum(rows.good)
    cautions = ["rows are trained in the order of the file: KTO compares each with its neighbour in the batch"]
    if len(rows) != total:
        cautions[0] += "; a pair is two rows, the bad one a batch behind the good one"
    if config.trl.get("loss_type") != _WITHOUT_KL and total % batch_size(config) == 1:
        cautions.append("the last batch is a single row, which has no neighbour to be compared with")
    return cautions + _balance(good, total - good, config)


def _balance(good: int, bad: int, config: TrainConfig) -> list[str]:
    """TRL's advice on weights, by equation 8 of the KTO paper (arXiv 2402.01306)."""
    if not good or not bad:
        return [f"every row is labelled {'good' if good else 'bad'}: KTO learns from both kinds"]
    for_good, for_bad = _weight(config, "desirable_weight"), _weight(config, "undesirable_weight")
    ratio = for_good * good / (for_bad * bad)
    if good == bad or 0.995 <= ratio <= 1.335:  # of weights rounded to two places
        return []
    low = bad * for_bad / good
    return [
        f"{good:,} good and {bad:,} bad: set trl.desirable_weight between {low:.2f} and {low * 1.33:.2f} "
        "(or trl.undesirable_weight the other way)"
    ]


RECIPE = Recipe(
    name="kto",
    summary="Kahneman-Tversky optimization: answers labelled good likelier, those labelled bad less so",
    trainer=Trainer("KTO", words={"loss_type": ("kto", _WITHOUT_KL)}),
    accept=_accept,
    render=_render,
    encode=encode_answers,
    dataset=_dataset,
    check=_check,
    cautions=_cautions,
    refers=True,
)
