"""Conversations as questions and answers in text: the shape of formats that have no roles."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from dsforge.errors import RowError
from dsforge.example import JSON, Message
from dsforge.formats.expect import as_list, as_object, as_text, need
from dsforge.formats.thinking import answer_of, thought_aloud

Place: TypeAlias = "tuple[Message, str]"
"""A message, and the JSON Pointer of its text."""


class Exchanges(msgspec.Struct):
    """A system prompt, questions with their answers, and the last question where it has no answer here."""

    system: Message | None
    pairs: list[tuple[Message, Message]]
    question: Message | None


def exchanges_of(messages: list[Message], name: str) -> Exchanges:
    """The messages as questions and answers.

    Raises:
        RowError: the turns do not alternate, there is none, or a message is no text. `name` is the format's.
    """
    system = messages[0] if messages and messages[0].role in ("system", "developer") else None
    turns = messages[1:] if system else messages
    for index, message in enumerate(turns):
        if message.role != ("user", "assistant")[index % 2] or message.tool_calls:
            raise RowError(f"{name} holds questions and answers by turns; message {index + 1} is neither", code="S902")
    if not turns:
        raise RowError(f"{name} needs a question", code="S902")
    pairs = list(zip(turns[::2], turns[1::2], strict=False))
    return Exchanges(system, pairs, turns[-1] if len(turns) % 2 else None)


def one_answer(messages: list[Message], name: str) -> str:
    """The text of an answer that is one message of the assistant, with its reasoning before it."""
    if len(messages) != 1 or messages[0].role != "assistant" or messages[0].tool_calls:
        raise RowError(f"{name} holds an answer that is one text of the assistant", code="S902")
    return thought_aloud(messages[0])


def read_exchange(value: JSON, pointer: str, asked: str, answered: str) -> tuple[Place, Place]:
    """`{asked: text, answered: text}` as two messages; other fields stay with the question."""
    turn = as_object(value, pointer)
    question = as_text(need(turn, asked, pointer), f"{pointer}/{asked}")
    answer = as_text(need(turn, answered, pointer), f"{pointer}/{answered}")
    rest = {key: field for key, field in turn.items() if key not in (asked, answered)}
    return (Message("user", question, extra=rest), f"{pointer}/{asked}"), (answer_of(answer), f"{pointer}/{answered}")


def read_exchanges(value: JSON, pointer: str, asked: str, answered: str) -> list[Place]:
    """An array of `{asked: text, answered: text}` as messages, each with the place of its text."""
    exchanges = enumerate(as_list(value, pointer))
    return [place for at, turn in exchanges for place in read_exchange(turn, f"{pointer}/{at}", asked, answered)]
