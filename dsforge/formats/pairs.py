"""The two answers of a preference pair, in the ways the platforms write them."""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import JSON, Message
from dsforge.formats.expect import WRONG_TYPE, wrong_type
from dsforge.formats.messages import decode_message, decode_messages, encode_message


def decode_answer(value: JSON, pointer: str) -> list[Message]:
    """An answer written as text, as one message or as a list of messages."""
    if isinstance(value, str):
        return [Message("assistant", value)]
    if isinstance(value, dict):
        return [decode_message(value, pointer)]
    if isinstance(value, list):
        messages = decode_messages(value, pointer)
        if not messages:
            raise RowError(f"{pointer} is an empty array; an answer is expected", pointer, WRONG_TYPE)
        return messages
    raise wrong_type(value, "text, a message or an array of messages", pointer)


def answer_places(value: JSON, pointer: str) -> list[str]:
    """The JSON Pointer of the text of each message of an answer."""
    if isinstance(value, list):
        return [f"{pointer}/{index}/content" for index in range(len(value))]
    return [f"{pointer}/content" if isinstance(value, dict) else pointer]


def encode_answer(answer: list[Message]) -> JSON:
    """One message as an object, several as an array."""
    messages = [encode_message(message) for message in answer]
    return messages[0] if len(messages) == 1 else messages
