"""Answer: the last answer anew, from a stronger model; all before it stays. A row without one gets one."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from dsforge.augment.method import Method
from dsforge.augment.turns import UNFIT, check_judged, language_of, last_user, turns_of
from dsforge.errors import RowError
from dsforge.example import Example, Message


def _has_answer(example: Example) -> bool:
    return example.messages[-1].role == "assistant"


def _prompt(example: Example) -> list[Message]:
    return example.messages[:-1] if _has_answer(example) else example.messages


def _show(example: Example) -> Mapping[str, object]:
    check_judged(example)
    question = example.messages[last_user(example.messages)].text
    if _has_answer(example) and example.messages[-1].tool_calls:
        raise RowError("the last message calls a tool, which is no answer in words", code=UNFIT)
    if any(message.media for message in example.messages):
        raise RowError("the row has media, which the prompt cannot show", code=UNFIT)
    return {
        "turns": turns_of(_prompt(example)),
        "answer": _text(example),
        "language": language_of(question),
    }


def _text(example: Example) -> str:
    return example.messages[-1].text if _has_answer(example) else ""


def _write(example: Example, answer: str) -> Example:
    new = Message("assistant", answer)
    if _has_answer(example):  # its thinking led to the answer that is replaced
        new = replace(example.messages[-1], content=answer, reasoning=None)
    return replace(example, messages=[*_prompt(example), new])


METHOD = Method(
    name="answer",
    summary="the last answer anew, from a stronger model",
    variables=frozenset({"turns", "answer", "language"}),
    show=_show,
    write=_write,
    text=_text,
    closest=1.0,  # a right answer may be much like the one before
    keeps_language=False,  # the question may ask for another one, or for code alone
    takes_faulty=True,
)
