"""Which answers are to be learnt: what is asked of them is not asked of those that are meant to be bad."""

from __future__ import annotations

from dsforge.example import Example, Message


def wanted_messages(example: Example) -> list[Message]:
    """The messages up to the answer that is to be learnt, numbered as `all_messages` has them.

    Of a pair the prompt and the chosen answer; of a row labelled false what stands before its answer.
    """
    messages = example.messages
    if example.label is False:
        return messages[: _answer_at(messages)]
    if example.chosen is None or example.rejected is None:
        return messages
    return messages + example.chosen


def of_bad_answer(example: Example, index: int) -> str:
    """` in the rejected answer`, where a message is of an answer that is meant to be bad, else nothing."""
    if example.label is False:
        return " in the answer labelled false" if index >= _answer_at(example.messages) else ""
    if example.chosen is None or example.rejected is None:
        return ""
    beyond = index - len(example.messages) - len(example.chosen)
    if beyond < 0:
        return ""
    return " in the rejected answer" if beyond < len(example.rejected) else " in a lesser answer"


def _answer_at(messages: list[Message]) -> int:
    """Where the last answer begins, with the calls and results that led to it."""
    at = len(messages)
    while at and messages[at - 1].role in ("assistant", "tool"):
        at -= 1
    return at
