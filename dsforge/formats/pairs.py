"""The two answers of a preference pair, in the ways the platforms write them."""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.formats.expect import MISSING_FIELD, WRONG_TYPE, wrong_type
from dsforge.formats.messages import OPENAI, Style, decode_message, decode_messages, encode_message


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


def encode_answer(answer: list[Message], style: Style = OPENAI) -> JSON:
    """One message as an object, several as an array."""
    messages = [encode_message(message, style) for message in answer]
    return messages[0] if len(messages) == 1 else messages


def pair_of(example: Example, name: str) -> tuple[list[Message], list[Message]]:
    """`(chosen, rejected)` for a format called `name` that holds preference pairs alone.

    Raises:
        RowError: the example is none.
    """
    if example.chosen is None or example.rejected is None:
        what = "has a KTO label and one answer" if example.label is not None else "has one answer"
        raise RowError(f"{name} needs a preference pair (chosen and rejected), but the row {what}", code="S901")
    return example.chosen, example.rejected


def shared_prompt(chosen: list[Message], rejected: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """`(prompt, chosen, rejected)` of two whole conversations: the prompt is what both begin with.

    Each keeps its last message, also where they are the same throughout (as TRL's `extract_prompt` does).

    Raises:
        RowError: they share no message.
    """
    shared = 0
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        shared += 1
    if not shared:
        raise RowError("the row has no prompt: neither 'prompt' nor 'messages', and the answers share no turn",
                       "", MISSING_FIELD)  # fmt: skip
    return chosen[:shared], chosen[shared:], rejected[shared:]


def whole_conversations(
    prompt: list[Message], chosen: list[Message], rejected: list[Message], name: str
) -> tuple[list[Message], list[Message]]:
    """Prompt and chosen, prompt and rejected: what `shared_prompt` takes apart again.

    Raises:
        RowError: it could not, for there is no prompt, or both answers begin with the same message.
    """
    if not prompt or not chosen or not rejected:
        raise RowError(f"{name} needs a prompt and two answers", code="S902")
    if len(chosen) > 1 and len(rejected) > 1 and chosen[0] == rejected[0]:
        reason = f"both answers begin with the same message, which {name} would read as part of the prompt"
        raise RowError(reason, code="S902")
    return prompt + chosen, prompt + rejected
