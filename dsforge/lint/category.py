"""Whether the field that names the category of a row is there at all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from dsforge.example import JSON, Example
from dsforge.formats.read import ExampleReader
from dsforge.io.atomic import is_special
from dsforge.io.naming import file_of
from dsforge.lint.facts import Settings

_LOOK = 10_000
"""Rows of each file looked at."""


def lacks_category(sources: Sequence[str], settings: Settings) -> str:
    """A line for the user where no row has the category field of the settings, "" where one has it.

    What can be read but once is not looked at.
    """
    again = [source for source in sources if source != "-" and not is_special(file_of(source))]
    path = settings.category_field.split(".")
    seen = 0
    for source in again:
        for _, example in islice(ExampleReader(source, settings.format), _LOOK):
            seen += 1
            if isinstance(_at(example, path), (str, int)):
                return ""
    if not seen:
        return ""
    rows = f"none of the {seen:,} rows looked at has" if seen > 1 else "the row has not"
    return f"{rows} the field {settings.category_field!r} of --by: nothing is told by category"


def _at(example: Example, path: Sequence[str]) -> JSON:
    value: JSON = example.meta.get(path[0], example.extra.get(path[0]))
    for name in path[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value
