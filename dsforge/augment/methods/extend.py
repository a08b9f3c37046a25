"""Extend: one more message of the user and its answer, after those that the conversation has."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from dsforge.augment.answer_json import fields_in, schema_of_fields
from dsforge.augment.method import Method
from dsforge.augment.turns import check_plain, language_of, last_user, turns_of
from dsforge.example import Example, Message
from dsforge.feature import Feature

_FIELDS = ("user", "assistant")


def _show(example: Example) -> Mapping[str, object]:
    check_plain(example)
    return {"turns": turns_of(example.messages), "language": language_of(_text(example))}


def _text(example: Example) -> str:
    return example.messages[last_user(example.messages)].text


def _write(example: Example, answer: str) -> Example:
    asked, reply = fields_in(answer, _FIELDS)
    return replace(example, messages=[*example.messages, Message("user", asked), Message("assistant", reply)])


METHOD = Method(
    name="extend",
    summary="one more message of the user and its answer",
    variables=frozenset({"turns", "language"}),
    show=_show,
    write=_write,
    text=_text,
    schema=schema_of_fields(_FIELDS),
    needs=frozenset({Feature.MULTI_TURN}),
)
