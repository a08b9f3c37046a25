"""Judge: each row gets a score from 1 to 5 by a rubric, and why, into its metadata; nothing else of it changes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from dsforge.augment.judging import SCHEMA, Score, judging, shown
from dsforge.augment.method import Method, Steps
from dsforge.augment.texts import texts_of
from dsforge.augment.turns import UNFIT
from dsforge.augment.wish import Wish
from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.feature import Feature

_FIELD = "judge"


def _show(example: Example) -> Mapping[str, object]:
    if not texts_of(example):
        raise RowError("the row has no text to judge", code=UNFIT)
    return shown(example)


def _text(example: Example) -> str:
    return "\n".join(texts_of(example))


def _steps(example: Example, number: int, wish: Wish) -> Steps:
    scores: list[Score] = yield [judging(example, wish.rubric)]
    return replace(example, meta={**example.meta, _FIELD: msgspec.to_builtins(scores[0])})


METHOD = Method(
    name="judge",
    summary="a score from 1 to 5 by a rubric, and why, into the metadata",
    variables=frozenset({"turns", "tools", "chosen", "rejected", "language"}),
    show=_show,
    text=_text,
    steps=_steps,
    keeps_language=False,
    needs=frozenset({Feature.METADATA}),
    options=frozenset({"rubric"}),
    schema=SCHEMA,
    in_place=True,
    notes=_FIELD,
    takes_faulty=True,
)
