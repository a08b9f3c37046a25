"""Translate: every text of the row in another language; calls of tools and their results stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dsforge.augment.answer_json import schema_of_texts, texts_in
from dsforge.augment.method import Method
from dsforge.augment.texts import texts_of, with_texts
from dsforge.augment.turns import UNFIT, language_of
from dsforge.errors import RowError
from dsforge.example import Example


def _show(example: Example) -> Mapping[str, object]:
    texts = texts_of(example)
    if not texts:
        raise RowError("the row has no text to translate", code=UNFIT)
    array = json.dumps(texts, ensure_ascii=False, indent=1)
    return {"texts": texts, "array": array, "language": language_of("\n".join(texts))}


def _text(example: Example) -> str:
    return "\n".join(texts_of(example))


def _write(example: Example, answer: str) -> Example:
    return with_texts(example, texts_in(answer, len(texts_of(example))))


METHOD = Method(
    name="translate",
    summary="every text of the row in another language",
    variables=frozenset({"texts", "array", "language"}),
    show=_show,
    write=_write,
    text=_text,
    schema=schema_of_texts(),
    options=frozenset({"to_language"}),
)
