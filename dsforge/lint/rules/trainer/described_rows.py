"""The rows of a file with what the dataset_info.json beside it says of them, as LLaMA-Factory's parser reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dsforge.formats.format import RowValue
from dsforge.io.rows import Refused, RowReader
from dsforge.lint.facts import Facts

COLUMNS = (
    "prompt", "query", "response", "history", "messages", "system", "tools", "images", "videos", "audios", "chosen",
    "rejected", "kto_tag",
)  # fmt: skip
_COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
_TAGS = {
    "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
    "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
}  # fmt: skip


class Described(NamedTuple):
    """An entry, with the traps of LLaMA-Factory's parser in it.

    `columns` are the places of the columns that it reads: where the entry has `columns`, those alone that it lists.
    `tags` are the same of tags.
    """

    path: str
    info: Path
    name: str
    formatting: str
    columns: dict[str, str]
    tags: dict[str, str]

    def rows(self, facts: Facts) -> Iterator[tuple[int, RowValue]]:
        """The rows that decoded, each with its index in the facts; the file is read once more."""
        index = {facts.row[at]: at for at, path in enumerate(facts.path) if path == self.path}
        for row in RowReader(self.path):
            if not isinstance(row, Refused) and row.number in index and isinstance(row.value, dict):
                yield index[row.number], row.value


def described_files(facts: Facts) -> Iterator[Described]:
    """The files that an entry of the dataset_info.json in their folder is about."""
    for name in dict.fromkeys(facts.path):
        path = Path(name)
        info = path.with_name("dataset_info.json")
        if not path.is_file() or path == info or not info.is_file():
            continue
        for entry_name, entry in _entries(info):
            if entry.get("file_name") == path.name:
                columns, tags = entry.get("columns"), entry.get("tags")
                yield Described(
                    name, info, entry_name, str(entry.get("formatting", "alpaca")),
                    _texts(columns) if isinstance(columns, dict) else _COLUMNS,
                    _texts(tags) if isinstance(tags, dict) else _TAGS,
                )  # fmt: skip


def _entries(info: Path) -> list[tuple[str, dict[str, Any]]]:
    try:
        content = orjson.loads(info.read_bytes())
    except orjson.JSONDecodeError:
        return []
    return [(name, entry) for name, entry in content.items() if isinstance(entry, dict)] if content else []


def _texts(value: dict[str, Any]) -> dict[str, str]:
    return {key: place for key, place in value.items() if isinstance(place, str)}
