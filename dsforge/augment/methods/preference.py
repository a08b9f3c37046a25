"""Preference: several answers to a prompt, judged pair by pair in both orders; the best and the worst make a pair."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations

from msgspec.structs import replace

from dsforge.augment.answer_json import object_in
from dsforge.augment.method import Ask, Method, Steps, Unusable
from dsforge.augment.request import ChatMessage
from dsforge.augment.turns import UNFIT, check_plain, language_of, last_user, turns_of
from dsforge.augment.wish import CANDIDATES, Wish
from dsforge.errors import RowError
from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.similarity.key import normalise

FIRST, SECOND, TIE = "A", "B", "tie"
_EXPECTED = '{"reason": "A answers what was asked, B leaves out the second part of it.", "better": "A"}'
_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "better": {"enum": [FIRST, SECOND, TIE]}},
        "required": ["reason", "better"],
        "additionalProperties": False,
    }
)


def _prompt(example: Example) -> list[Message]:
    """What is answered: all up to the last message of the user."""
    return example.messages[: last_user(example.messages) + 1]


def _show(example: Example) -> Mapping[str, object]:
    if example.is_preference:
        raise RowError("the row is a preference pair already", code=UNFIT)
    check_plain(replace(example, messages=[*_prompt(example), Message("assistant", "-")]))
    return {"turns": turns_of(_prompt(example)), "language": language_of(_prompt(example)[-1].text)}


def _text(example: Example) -> str:
    """The chosen answer; of a seed its own, "" where it has none."""
    answer = example.chosen or example.messages[last_user(example.messages) + 1 :]
    return answer[-1].text if answer else ""


def _asked(message: Message) -> ChatMessage:
    if message.role == "user" or message.role == "assistant":
        return ChatMessage(message.role, message.text)
    return ChatMessage("system", message.text)


def judgement(first: str, second: str) -> Ask:
    """Which of two answers is better, read as `A`, `B` or `tie`."""
    return Ask(_read, _EXPECTED, FIRST, {"first": first, "second": second}, schema=_SCHEMA)


def _read(text: str) -> str:
    better = object_in(text, ("better",))["better"]
    for meant in (FIRST, SECOND, TIE):
        if isinstance(better, str) and better.strip().lower() == meant.lower():
            return meant
    raise Unusable(f"the field better is none of {FIRST}, {SECOND} and {TIE}")


def _best_and_worst(pairs: Sequence[tuple[int, int]], verdicts: Sequence[str], count: int) -> tuple[int, int]:
    """Which candidate is chosen and which rejected: of the pairs that were judged alike in both orders, that with the
    largest difference of wins; the first such.

    Raises:
        Unusable: there is none.
    """
    wins = [0] * count
    decided: list[tuple[int, int]] = []
    for at, (one, other) in enumerate(pairs):
        both = tuple(verdicts[2 * at : 2 * at + 2])
        if both in ((FIRST, SECOND), (SECOND, FIRST)):
            better, worse = (one, other) if both[0] == FIRST else (other, one)
            wins[better] += 1
            decided.append((better, worse))
    if not decided:
        raise Unusable("no candidate is better than another in both orders", again=False)
    return max(decided, key=lambda pair: wins[pair[0]] - wins[pair[1]])


def _steps(example: Example, number: int, wish: Wish) -> Steps:
    prompt = _prompt(example)
    count = wish.candidates or CANDIDATES
    messages = tuple(map(_asked, prompt))
    expected = _text(example) or prompt[-1].text
    first = (number - 1) * count + 1
    written: list[str] = yield [
        Ask(str, expected, f"{expected} {draw}", messages=messages, draw=draw) for draw in range(first, first + count)
    ]
    candidates = [*{normalise(text): text for text in reversed(written)}.values()][::-1]
    if len(candidates) < 2:
        raise Unusable("all candidates are the same", again=False)
    pairs = list(combinations(range(len(candidates)), 2))
    verdicts: list[str] = yield [
        judgement(candidates[one], candidates[other]) for pair in pairs for one, other in (pair, pair[::-1])
    ]
    best, worst = _best_and_worst(pairs, verdicts, len(candidates))
    return replace(
        example,
        messages=prompt,
        chosen=[Message("assistant", candidates[best])],
        rejected=[Message("assistant", candidates[worst])],
        label=None,
    )


METHOD = Method(
    name="preference",
    summary="several answers, judged pair by pair in both orders: the best chosen, the worst rejected",
    variables=frozenset({"turns", "first", "second", "language"}),
    show=_show,
    text=_text,
    steps=_steps,
    closest=1.0,  # the chosen answer may be much like the seed's
    keeps_language=False,
    needs=frozenset({Feature.PREFERENCE}),
    options=frozenset({"candidates"}),
    schema=_SCHEMA,
    writes="dpo",
    takes_faulty=True,
)
