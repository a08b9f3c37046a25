"""The JSON Schema of a format's rows."""

from __future__ import annotations

import json

from dsforge.example import JSON
from dsforge.formats.format import Format
from dsforge.json_schema import DRAFT, schema_of_type

PUBLISHED = "https://raw.githubusercontent.com/dsforge/dsforge/main/schemas/"
"""Where the files of schemas/ are found by everyone: the folder of their `$id`."""


def schema_of(fmt: Format) -> dict[str, JSON]:
    """The schema of a row: what `fmt.decode` reads, in all dialects, and what it writes under any option."""
    return {
        "$schema": DRAFT,
        "$id": f"{PUBLISHED}{fmt.name}.schema.json",
        "title": f"{fmt.name} row",
        "description": fmt.summary,
        "examples": [json.loads(fmt.example)],
        **schema_of_type(fmt.row),
    }


def written(schema: dict[str, JSON]) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
