"""Evolve: a deeper or broader instruction than the seed's, with an answer of its own, as a conversation of one turn."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from dsforge.augment.answer_json import fields_in, schema_of_fields
from dsforge.augment.method import Method
from dsforge.augment.turns import check_plain, language_of, last_user, system_of, turns_of
from dsforge.example import Example, Message

_FIELDS = ("instruction", "answer")


def _show(example: Example) -> Mapping[str, object]:
    check_plain(example)
    return {
        "turns": turns_of(example.messages),
        "instruction": _text(example),
        "language": language_of(_text(example)),
    }


def _text(example: Example) -> str:
    return example.messages[last_user(example.messages)].text


def _write(example: Example, answer: str) -> Example:
    instruction, reply = fields_in(answer, _FIELDS)
    turns = [Message("user", instruction), Message("assistant", reply)]
    return replace(example, messages=[*system_of(example), *turns])


METHOD = Method(
    name="evolve",
    summary="a deeper or broader instruction with its own answer",
    variables=frozenset({"turns", "instruction", "language"}),
    show=_show,
    write=_write,
    text=_text,
    new_prompt=True,
    schema=schema_of_fields(_FIELDS),
)
