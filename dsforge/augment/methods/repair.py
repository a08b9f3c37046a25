"""Repair: the texts of rows in which lint finds something, mended; rows in which it finds nothing stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dsforge.augment.answer_json import schema_of_texts, texts_in
from dsforge.augment.method import FINDINGS, Method, Unusable
from dsforge.augment.texts import texts_of, with_texts
from dsforge.augment.turns import UNFIT, language_of
from dsforge.errors import RowError
from dsforge.example import Example


def _show(example: Example) -> Mapping[str, object]:
    texts = texts_of(example)
    if not texts:
        raise RowError("the row has no text to mend", code=UNFIT)
    return {"array": json.dumps(texts, ensure_ascii=False, indent=1), "language": language_of("\n".join(texts))}


def _text(example: Example) -> str:
    return "\n".join(texts_of(example))


def _write(example: Example, answer: str) -> Example:
    before = texts_of(example)
    texts = texts_in(answer, len(before))
    if texts == [text.strip() for text in before]:
        raise Unusable("nothing is changed")
    return with_texts(example, texts)


METHOD = Method(
    name="repair",
    summary="what lint finds in the texts of rows, mended",
    variables=frozenset({"array", "language"}),
    show=_show,
    text=_text,
    write=_write,
    keeps_language=False,  # the answer may have been in the wrong one
    options=frozenset({FINDINGS}),
    schema=schema_of_texts(),
    in_place=True,
    takes_faulty=True,
)
