"""Baidu Qianfan: a row is an array of turns, each with its question and its answer.

A turn is `prompt` and `response`, with `system` in the first and `weight` (0 or 1) where it is not trained; older
files write the response as `[["text"]]`. A pair ends with a turn of `user`, `chosen` and `rejected`, KTO with one of
the two, earlier turns being `user` and `assistant`; a ranking has several responses, the best first. Reasoning stands
in the answer as `<think>`. Unknown fields of a turn stay with its question.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, cast

import msgspec
from msgspec import Meta, Struct

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import Place, exchanges_of, one_answer
from dsforge.formats.expect import (
    MISSING_FIELD,
    WRONG_TYPE,
    as_list,
    as_object,
    as_text,
    need,
    optional_text,
    wrong_type,
)
from dsforge.formats.format import Format, Option
from dsforge.formats.held import only_held
from dsforge.formats.thinking import answer_of, thought_aloud

_TURN_KEYS = frozenset({"system", "prompt", "user", "response", "assistant", "chosen", "rejected", "weight"})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.MULTI_TURN,
        Feature.REASONING,
        Feature.WEIGHTS,
        Feature.PREFERENCE,
        Feature.RANKING,
        Feature.LABEL,
    }
)
_RESPONSE_OPTION = Option(
    "response",
    "how an answer is written",
    {"text": "as text: the platform today", "nested": 'as [["text"]]: the qianfan SDK and older files'},
    write=True,
)


class _Read(msgspec.Struct):
    """A row as it was read: messages and answers with the places of their texts."""

    messages: list[Place]
    answers: list[Place]
    label: bool | None


def _detect(row: list[JSON]) -> int:
    turn = row[0] if row else None
    if not isinstance(turn, dict) or ("prompt" not in turn and "user" not in turn):
        return 0
    return 80 if not turn.keys().isdisjoint({"response", "assistant", "chosen", "rejected"}) else 0


def _responses(value: JSON, pointer: str) -> list[Place]:
    """The answers of a turn, the best first: text, an array of texts, or an array of arrays of one text."""
    if isinstance(value, str):
        return [(answer_of(value), pointer)]
    places = []
    for index, item in enumerate(as_list(value, pointer)):
        at = f"{pointer}/{index}"
        if isinstance(item, list):
            if len(item) != 1:
                reason = f"{at} has {len(item)} texts; one answer of each rank is expected"
                raise RowError(reason, at, WRONG_TYPE)
            item, at = item[0], f"{at}/0"
        places.append((answer_of(as_text(item, at)), at))
    if not places:
        raise RowError(f"{pointer} is an empty array; an answer is expected", pointer, WRONG_TYPE)
    return places


def _weight(turn: dict[str, JSON], pointer: str) -> float | None:
    weight = turn.get("weight")
    if weight is None:
        return None
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise wrong_type(weight, "0 or 1", f"{pointer}/weight")
    return cast("float", weight)


def _the_one(turn: dict[str, JSON], names: tuple[str, ...], pointer: str) -> str:
    """Which of `names` the turn has, the first where it has none; RowError where it has several."""
    present = [name for name in names if turn.get(name) is not None]
    if len(present) > 1:
        reason = f"{pointer} has {' and '.join(map(repr, present))}; keep one"
        raise RowError(reason, f"{pointer}/{present[1]}", WRONG_TYPE)
    return present[0] if present else names[0]


def _asked(turn: dict[str, JSON], pointer: str) -> list[Place]:
    key = _the_one(turn, ("prompt", "user"), pointer)
    said = as_text(need(turn, key, pointer), f"{pointer}/{key}")
    rest = {name: field for name, field in turn.items() if name not in _TURN_KEYS}
    places = [(Message("user", said, extra=rest), f"{pointer}/{key}")]
    if system := optional_text(turn, "system", pointer):
        places.insert(0, (Message("system", system), f"{pointer}/system"))
    return places


def _answered(turn: dict[str, JSON], pointer: str) -> tuple[list[Place], bool | None]:
    """`(answers, label)` of a turn: one answer or several, with a label where one is judged by itself."""
    judged = [key for key in ("chosen", "rejected") if turn.get(key) is not None]
    key = _the_one(turn, ("response", "assistant", *judged[:1]), pointer)
    if not judged:
        return _responses(need(turn, key, pointer), f"{pointer}/{key}"), None
    places = [(answer_of(as_text(turn[key], f"{pointer}/{key}")), f"{pointer}/{key}") for key in judged]
    return places, judged == ["chosen"] if len(judged) == 1 else None


def _read(row: list[JSON]) -> _Read:
    if not row:
        raise RowError("the row is an empty array; turns are expected", "", MISSING_FIELD)
    read = _Read([], [], None)
    for index, value in enumerate(row):
        at, last = f"/{index}", index == len(row) - 1
        turn = as_object(value, at)
        read.messages += _asked(turn, at)
        answers, read.label = _answered(turn, at)
        weight = _weight(turn, at)
        if not last and (len(answers) > 1 or read.label is not None):
            raise RowError(f"{at} judges answers; only the last turn may", at, WRONG_TYPE)
        if len(answers) == 1:
            answers[0][0].weight = weight
            read.messages += answers
            continue
        read.answers = answers
        if weight is not None:  # of which answer it is, the row does not say
            read.messages[-1][0].extra["weight"] = weight
    return read


def _decode(row: list[JSON]) -> Example:
    read = _read(row)
    example = Example([message for message, _ in read.messages], label=read.label)
    if read.answers:
        best, *between, worst = ([message] for message, _ in read.answers)
        example.chosen, example.rejected, example.between = best, worst, between
    return example


def _beyond(example: Example) -> set[Feature]:
    """A weight stands on a turn: not on a question, nor on one answer of several."""
    answers = [message for answer in (example.chosen, example.rejected, *example.between) for message in answer or ()]
    others = [message for message in example.messages if message.role != "assistant"]
    return {Feature.WEIGHTS} if any(message.weight in (0, 1) for message in others + answers) else set()


def _encode(example: Example, response: str = "text") -> list[JSON]:
    example = only_held(example, _HOLDS, frozenset())
    said = exchanges_of(example.messages, "qianfan")
    ranked = bool(example.between)
    judged = not ranked and (example.is_preference or example.label is not None)
    asked_as, answered_as = ("user", "assistant") if judged else ("prompt", "response")
    row: list[JSON] = []
    for asked, answered in said.pairs:
        text = thought_aloud(answered)
        turn: dict[str, JSON] = {asked_as: thought_aloud(asked)}
        turn[answered_as] = [[text]] if not judged and (ranked or response == "nested") else text
        if answered.weight is not None:
            turn["weight"] = answered.weight
        row.append(turn)
    _encode_end(example, said.question, row)
    if said.system:
        row[0] = {"system": said.system.text, **row[0]}
    return row


def _encode_end(example: Example, question: Message | None, row: list[JSON]) -> None:
    """The last turn, where it has more than an answer."""
    if example.chosen is not None and example.rejected is not None:
        if question is None:
            raise RowError("qianfan needs a question that the two answers answer", code="S902")
        texts = [one_answer(answer, "qianfan") for answer in (example.chosen, *example.between, example.rejected)]
        if example.between:
            row.append({"prompt": thought_aloud(question), "response": [[text] for text in texts]})
        else:
            row.append({"user": thought_aloud(question), "chosen": texts[0], "rejected": texts[1]})
    elif question is not None:
        raise RowError("qianfan needs an answer to every question", code="S902")
    elif example.label is not None:
        row[-1]["chosen" if example.label else "rejected"] = row[-1].pop("assistant")


def _places(row: list[JSON], example: Example) -> list[str]:
    read = _read(row)
    answers = read.answers[:1] + read.answers[-1:] + read.answers[1:-1] if read.answers else []
    return [place for _, place in read.messages + answers]


_Nested: TypeAlias = Annotated[list[str], Meta(min_length=1, max_length=1)]
_Responses: TypeAlias = Annotated[
    str | Annotated[list[str | _Nested], Meta(min_length=1)] | None,
    Meta(description="The answer, or several, the best first.", examples=["Hello!", [["Hello!"], ["What?"]]]),
]


class _Asked(Struct, kw_only=True):
    system: shapes.System = None
    prompt: Annotated[str | None, Meta(description="What is asked.")] = None
    user: Annotated[str | None, Meta(description="What is asked, in rows that judge an answer.")] = None
    weight: Annotated[float | None, Meta(description="Whether the answer is trained: 1, or 0.")] = None


class Answered(_Asked, kw_only=True):
    """A question and its answer."""

    response: _Responses = None
    assistant: _Responses = None
    chosen: None = None
    rejected: None = None


class Judged(_Asked, kw_only=True):
    """A question with a better and a worse answer, or one of the two (KTO)."""

    chosen: Annotated[str | None, Meta(description="The better answer, or a good one.")] = None
    rejected: Annotated[str | None, Meta(description="The worse answer, or a bad one.")] = None
    response: None = None
    assistant: None = None


_Turn: TypeAlias = Annotated[
    Annotated[Answered, Meta(extra_json_schema=shapes.exactly_one("response", "assistant"))]
    | Annotated[Judged, Meta(extra_json_schema=shapes.at_least_one("chosen", "rejected"))],
    Meta(extra_json_schema=shapes.exactly_one("prompt", "user")),
]
FORMAT = Format(
    name="qianfan",
    summary="an array of turns with prompt and response, or user, chosen and rejected (Baidu Qianfan)",
    example='[{"system": "Be kind.", "prompt": "Hi", "response": "Hello!"}]',
    holds=_HOLDS,
    keys=frozenset(),
    message_keys=_TURN_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    rows_are_arrays=True,
    row=Annotated[list[_Turn], Meta(min_length=1)],
    options=(_RESPONSE_OPTION,),
    beyond=_beyond,
)
