"""What a model makes of held-out rows, and how the trained one compares with its base over the same rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dsforge.train.answers import Choices, exact, rouge_l
from dsforge.train.figures import Metric, Scores, metric
from dsforge.train.held_out import HeldRow, held_rows, text_of
from dsforge.train.token_rows import TokenRows

LOSS, LOSS_OF_GOOD = "loss", "loss of good answers"
"""The mean of nats per trained token: of all, or where rows hold rejected or bad answers too, of the others."""

_SPARE = 16  # tokens that an answer may be longer than one and a half times the longest reference


class Sample(msgspec.Struct, frozen=True):
    """A row answered by both models. `row` is its number in the file; texts are without the marks of the template.

    `before` is None where the base model was not asked, `reference` where the row has none.
    """

    row: int
    prompt: str
    reference: str | None
    before: str | None
    after: str


class Evaluation(msgspec.Struct, frozen=True):
    """What was measured over `rows` held-out rows of `path`, of which `answered` were answered by generating."""

    path: str
    rows: int
    answered: int
    metrics: list[Metric]


@dataclass(frozen=True)
class Exam:
    """What a model is asked: `rows` are read, `asked` are answered, in at most `longest` tokens.

    `scores` is so of a reward model, which answers nothing.
    """

    rows: list[HeldRow]
    asked: list[HeldRow]
    longest: int
    scores: bool = False


@dataclass(frozen=True)
class Look:
    """What a model makes of an exam: of each row the sequences' likelihoods (or rewards), and its answers as text."""

    likelihoods: list[list[tuple[float, int, int]]] = field(default_factory=list)
    rewards: list[list[float]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def exam_of(rows: TokenRows, *, read: int, answered: int, longest: int, seed: int, scores: bool = False) -> Exam:
    """An exam of at most `read` rows to read, and `answered` to answer in at most `longest` tokens each."""
    drawn = held_rows(rows, max(read, answered), seed)
    asked = [] if scores else _some(drawn, answered, seed)
    references = [len(row.question.reference or ()) for row in asked]
    most = min(longest, max(references, default=0) * 3 // 2 + _SPARE) if any(references) else longest
    return Exam(_some(drawn, read, seed), asked, most, scores)


def _some(rows: list[HeldRow], most: int, seed: int) -> list[HeldRow]:
    if len(rows) <= most:
        return rows
    kept = sorted(random.Random(seed).sample(range(len(rows)), most))  # noqa: S311 - guards nothing
    return [rows[index] for index in kept]


def look(exam: Exam, model: Any, tokenizer: Any) -> Look:
    """What the model makes of the exam.

    Raises:
        torch.OutOfMemoryError: a row does not fit into the memory.
    """
    from dsforge.train.likelihood import likelihoods, rewards
    from dsforge.train.speak import answers

    sequences = [one for row in exam.rows for one in row.sequences]
    if exam.scores:
        return Look(rewards=_by_row(exam.rows, rewards(model, sequences, tokenizer.pad_token_id)))
    told: list[tuple[float, int, int]] = [*likelihoods(model, sequences, tokenizer.pad_token_id)]
    prompts = [row.question.prompt for row in exam.asked]
    spoken = answers(model, tokenizer, prompts, exam.longest) if prompts else []
    return Look(_by_row(exam.rows, told), said=[text_of(tokenizer, ids) for ids in spoken])


def _by_row(rows: list[HeldRow], values: Sequence[Any]) -> list[list[Any]]:
    left = iter(values)
    return [[next(left) for _ in row.sequences] for row in rows]


def samples(exam: Exam, tokenizer: Any, before: Look | None, after: Look, most: int | None = None) -> list[Sample]:
    """The rows that were answered, at most so many, with both answers."""
    found = []
    for index, row in enumerate(exam.asked[:most]):
        prompt, reference = row.question
        told = None if reference is None else text_of(tokenizer, reference)
        earlier = before.said[index] if before and index < len(before.said) else None
        found.append(Sample(row.number, text_of(tokenizer, prompt), told, earlier, after.said[index]))
    return found


def metrics(exam: Exam, answered: Sequence[Sample], after: Look, before: Look | None) -> list[Metric]:
    """All measures that the rows allow; of loss and tokens only those of good answers count."""
    found = []
    if any(tokens for *_, tokens in _good(exam, after)):
        every = all(sequence.good for row in exam.rows for sequence in row.sequences)
        found.append(_compared(LOSS if every else LOSS_OF_GOOD, exam, after, before, _losses, lower_is_better=True))
        found.append(_compared("token accuracy", exam, after, before, _token_accuracy))
    if any(row.pair for row in exam.rows):
        found.append(_compared("preference accuracy", exam, after, before if not exam.scores else None, _preferences))
    return found + _of_answers(answered)


def _compared(
    name: str,
    exam: Exam,
    after: Look,
    before: Look | None,
    scores: Callable[[Exam, Look], Scores],
    *,
    lower_is_better: bool = False,
) -> Metric:
    base = scores(exam, before) if before is not None and (before.likelihoods or before.rewards) else None
    return metric(name, scores(exam, after), base, lower_is_better=lower_is_better)


def _good(exam: Exam, look: Look) -> list[tuple[float, int, int]]:
    """The likelihoods of the good sequences that train a token; the same ones of every model."""
    return [
        told
        for row, of_row in zip(exam.rows, look.likelihoods, strict=False)
        for sequence, told in zip(row.sequences, of_row, strict=True)
        if sequence.good and told[2]
    ]


def _losses(exam: Exam, look: Look) -> Scores:
    good = _good(exam, look)
    return Scores([nats for nats, _, _ in good], [float(tokens) for *_, tokens in good])


def _token_accuracy(exam: Exam, look: Look) -> Scores:
    good = _good(exam, look)
    return Scores([float(hits) for _, hits, _ in good], [float(tokens) for *_, tokens in good])


def _preferences(exam: Exam, look: Look) -> Scores:
    """Whether the chosen answer is likelier as a whole than the rejected one, or has the higher reward."""
    found = []
    for at, row in enumerate(exam.rows):
        if row.pair is None:
            continue
        chosen, rejected = (row.sequences.index(one) for one in row.pair)
        if exam.scores:
            found.append(look.rewards[at][chosen] > look.rewards[at][rejected])
        else:
            found.append(look.likelihoods[at][chosen][0] < look.likelihoods[at][rejected][0])
    return Scores.of_rows([float(preferred) for preferred in found])


def _of_answers(answered: Sequence[Sample]) -> list[Metric]:
    """Exact match, ROUGE-L and, where references are choices, whether the right one was made."""
    told = [sample for sample in answered if sample.reference]
    if not told:
        return []
    references = [sample.reference or "" for sample in told]
    choices = Choices(references)
    scores: dict[str, Callable[[str, str], float]] = {"exact match": exact, "ROUGE-L": rouge_l}
    if choices:
        scores["choice accuracy"] = lambda answer, right: choices.chosen(answer) == choices.chosen(right)
    compared = all(sample.before is not None for sample in told)
    found = []
    for name, score in scores.items():
        rows = list(zip(told, references, strict=True))
        after = Scores.of_rows([float(score(sample.after, right)) for sample, right in rows])
        before = Scores.of_rows([float(score(sample.before or "", right)) for sample, right in rows])
        found.append(metric(name, after, before if compared else None))
    return found
