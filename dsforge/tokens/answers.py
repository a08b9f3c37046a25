"""A prompt and the answers to it as tokens, the way TRL's preference trainers make them.

TRL knows no mask within an answer: all is trained that follows what the tokens of the prompt alone (up to where the
answer begins) have in common with those of the prompt and the answer (`trl.data_utils.common_prefix_length`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.tokens.batches import ahead
from dsforge.tokens.template import IGNORED, ChatTemplate, Encoded, Rendered, added, leaves_out

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its prompt as text. `name` says which it is, `good` what a KTO label says of it."""

    name: str
    rendered: Rendered
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """A prompt as text, up to where an answer begins, and answers to it.

    The answers of a pair begin at one token, those that are `apart` (KTO) each where its own tokens differ from
    the prompt's. `foreign` says whether others than the assistant speak within an answer.
    """

    prompt: str
    answers: list[Answer]
    apart: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence that is trained. `name` says which of its row, "" where there is one; `good` is its KTO label."""

    encoded: Encoded
    name: str = ""
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The sequences of a row.

    `drifts` says whether the prompt reads otherwise alone than before an answer: its end is trained or left out, and
    in use the model is asked in other words.
    """

    sequences: list[Sequence]
    drifts: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """The messages of an answer. `place` is the JSON Pointer of the list they stand in, the first of them at `at`."""

    messages: list[Message]
    place: str
    name: str
    at: int = 0
    good: bool | None = None


def render_answers(
    template: ChatTemplate, prompt: list[Message], said: list[Said], tools: list[dict[str, JSON]], *, apart: bool
) -> Answers:
    """The texts of a prompt and of the answers to it.

    Raises:
        RowError: there is no prompt or no answer, an answer is not to be trained whole, or the template refuses.
    """
    if not prompt:
        raise RowError("there is no prompt before the answer", "/messages", "X902")
    places = [f"/messages/{index}" for index in range(len(prompt))]
    asked = template.text(prompt, places, tools, asks=True)
    answers = []
    for one in said:
        of_answer = [f"{one.place}/{one.at + index}" for index in range(len(one.messages))]
        written = _written(one, of_answer)
        whole = [*prompt, *one.messages]
        text = template.text(whole, places + of_answer, tools)
        start = len(asked) if text.startswith(asked) else _common(asked, text)
        spans = [(start, len(text))]
        left_out = leaves_out(Example(whole, tools=tools), text)
        answers.append(Answer(one.name, Rendered(text, spans, left_out, added(written, text, spans)), one.good))
    foreign = any(message.role != "assistant" for one in said for message in one.messages)
    return Answers(asked, answers, apart, foreign)


def _written(one: Said, places: list[str]) -> list[Message]:
    """What the assistant says in an answer."""
    for message, place in zip(one.messages, places, strict=True):
        if message.role == "assistant" and message.weight not in (None, 1):
            raise RowError(f"weight {message.weight:g}: an answer is trained as a whole", f"{place}/weight", "T901")
    written = [message for message in one.messages if message.role == "assistant"]
    if not written:
        raise RowError("no assistant message: nothing in the answer would be trained", one.place, "T201")
    return written


def _common(tokens: list[int] | str, others: list[int] | str) -> int:
    """How much two begin with in common."""
    if others[: len(tokens)] == tokens:
        return len(tokens)
    for index, (token, other) in enumerate(zip(tokens, others, strict=False)):
        if token != other:
            return index
    return min(len(tokens), len(others))


def encode_answers(template: ChatTemplate, rows: Iterable[Answers]) -> Iterator[Drawn]:
    """Tokens and labels of the answers of each row, in order."""
    source = iter(rows)
    batches: Iterator[list[Answers]] = iter(lambda: list(islice(source, _BATCH)), [])
    ids_of = template.batches.ids
    for batch, tokens in ahead(lambda batch: ids_of(list(_texts(batch))), batches):
        ids = iter(tokens)
        for row in batch:
            yield _draw(row, next(ids), [next(ids) for _ in row.answers])


def _texts(rows: Iterable[Answers]) -> Iterator[str]:
    for row in rows:
        yield row.prompt
        yield from (one.rendered.text for one in row.answers)


def _draw(row: Answers, prompt: list[int], wholes: list[list[int]]) -> Drawn:
    starts = [_common(prompt, whole) for whole in wholes]
    drifts = min(starts) < len(prompt)
    if not row.apart:
        starts = [min(starts)] * len(starts)
    sequences = [
        Sequence(Encoded(one.rendered, ids, [IGNORED] * start + ids[start:]), one.name, one.good)
        for one, ids, start in zip(row.answers, wholes, starts, strict=True)
    ]
    return Drawn(sequences, drifts, row.foreign)
