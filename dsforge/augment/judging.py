"""A row judged by a model: a score from 1 to 5 by a rubric, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from dsforge.augment.answer_json import object_in
from dsforge.augment.method import Ask, Unusable
from dsforge.augment.turns import language_of, turns_of
from dsforge.example import Example

LOWEST, HIGHEST = 1, 5
_EXPECTED = '{"reason": "The answer is right and complete, but could be shorter and name its source.", "score": 4}'
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "reason": {"type": "string"},
            "score": {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST},
        },
        "required": ["reason", "score"],
        "additionalProperties": False,
    }
)  # the reason first: a model that has written it judges by it


class Score(msgspec.Struct, frozen=True):
    """What a model thinks of a row: `score` from 1 (worst) to 5."""

    score: int
    reason: str


def shown(example: Example) -> Mapping[str, object]:
    """What the prompt sees of a row: its turns, or the prompt and both answers of a pair."""
    chosen, rejected = example.chosen or [], example.rejected or []
    return {
        "turns": turns_of(example.messages),
        "tools": json.dumps(example.tools, ensure_ascii=False) if example.tools else "",
        "chosen": turns_of(chosen),
        "rejected": turns_of(rejected),
        "language": language_of("\n".join(message.text for message in [*example.messages, *chosen])),
    }


def judging(example: Example, rubric: str = "") -> Ask:
    """The question for the score of a row, read as a `Score`."""
    values = {**shown(example), "rubric": rubric}
    return Ask(_read, _EXPECTED, Score(HIGHEST, ""), values, prompt="judge", schema=SCHEMA)


def _read(text: str) -> Score:
    found = object_in(text, ("score",))
    score = found["score"]
    if isinstance(score, str) and len(score) < 8 and score.strip().isdecimal():
        score = int(score)
    if isinstance(score, float) and score.is_integer():
        score = int(score)
    if not isinstance(score, int) or isinstance(score, bool) or not LOWEST <= score <= HIGHEST:
        raise Unusable(f"the score is no whole number from {LOWEST} to {HIGHEST}")
    reason = found.get("reason")
    told = reason if isinstance(reason, str) else ""
    return Score(score, told.encode(errors="replace").decode().strip())  # half a character would fit in no file
