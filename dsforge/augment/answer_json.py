"""The JSON in what a model wrote, wherever it stands: alone, in a fence, or with talk around it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from dsforge.augment.method import Unusable
from dsforge.example import JSON

_FENCE = re.compile(r"```\w*[ \t\r]*\n(.*?)```", re.DOTALL)
_STARTS = 64
"""Brackets that are tried as the beginning of the JSON: a text of nothing but brackets takes no longer."""
_DECODER = json.JSONDecoder(strict=False)  # line breaks within strings are the commonest slip of models


def schema_of_fields(names: Sequence[str]) -> str:
    """The JSON Schema of what `fields_in` reads, as text."""
    return _schema({name: {"type": "string"} for name in names})


def schema_of_texts() -> str:
    """That of what `texts_in` reads: the array within an object, as servers take nothing else at the top."""
    return _schema({"texts": {"type": "array", "items": {"type": "string"}}})


def _schema(properties: Mapping[str, JSON]) -> str:
    return json.dumps(
        {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    )


def fields_in(text: str, names: Sequence[str]) -> list[str]:
    """The texts of the fields `names` of the JSON object in `text`.

    Raises:
        Unusable: there is no such object, or a field is missing, no text or blank.
    """
    found = object_in(text, names)
    return [_checked(found.get(name), f"the field {name}") for name in names]


def object_in(text: str, names: Sequence[str]) -> dict[str, JSON]:
    """The JSON object in `text` that has one of the fields `names`.

    Raises:
        Unusable: there is no such object.
    """
    found = _first(text, "{", lambda value: isinstance(value, dict) and any(name in value for name in names))
    if found is None:
        raise Unusable(f"no JSON object with {' and '.join(names)} in the answer")
    assert isinstance(found, dict)
    return found


def texts_in(text: str, count: int) -> list[str]:
    """The `count` texts of the JSON array in `text`.

    Raises:
        Unusable: there is no such array, or it has more or fewer texts, or one is no text or blank.
    """
    found = _first(text, "[", lambda value: len(value) == count) or _first(text, "[", lambda value: True)
    if found is None:
        raise Unusable("no JSON array in the answer")
    if len(found) != count:
        raise Unusable("the JSON array has not as many texts as were given")
    return [_checked(value, "an element of the array") for value in found]


def _checked(value: JSON, what: str) -> str:
    if value is None:
        raise Unusable(f"{what} is missing")
    if not isinstance(value, str):
        raise Unusable(f"{what} is no text")
    if not value.strip():
        raise Unusable(f"{what} is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unusable(f"{what} holds half a character (a lone surrogate)") from None
    return value.strip()


def _first(text: str, bracket: str, is_it: Callable[[JSON], bool]) -> JSON:
    """The first value that is what is looked for: in fences, then in all of the text; None where there is none."""
    for place in [*_FENCE.findall(text), text]:
        for value in _values(place, bracket):
            if is_it(value):
                return value
    return None


def _values(text: str, bracket: str) -> Iterator[JSON]:
    at = text.find(bracket)
    for _ in range(_STARTS):
        if at < 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find(bracket, at + 1)
            continue
        yield value
        at = text.find(bracket, end)
