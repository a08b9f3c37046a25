"""Rows with columns and tags of their own, as LLaMA-Factory's `dataset_info.json` describes them.

Keys and defaults are those of LLaMA-Factory's `DatasetAttr`. Two traps of its reader are kept from being losses
here: a column that the entry does not list is not read as what it is called (there it vanishes; here it stays
with the row as an unknown field), and tags that the entry leaves out keep their defaults (there, rows that
begin with a system turn then vanish).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec
import orjson

from dsforge.errors import InputError, RowError, UsageError, did_you_mean
from dsforge.example import JSON, Example
from dsforge.feature import Feature
from dsforge.formats.format import Format, RowValue, get_format

_ALPACA = {"prompt": "instruction", "query": "input", "response": "output", "history": None}
_BESIDE = {"system": None, "tools": None, "images": None, "videos": None, "audios": None,
           "chosen": None, "rejected": None, "kto_tag": None}  # fmt: skip
_TAGS = {
    "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
    "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
}  # fmt: skip
_OWN = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
"""A column of LLaMA-Factory to the field of our alpaca or sharegpt; others are called the same."""


class Entry(msgspec.Struct, frozen=True):
    """One dataset of a dataset_info.json: its files, its formatting, where each column stands, and its tags."""

    name: str
    files: tuple[str, ...]
    formatting: str
    columns: dict[str, str]
    tags: dict[str, str]


def read_entry(path: str | Path, name: str = "") -> Entry:
    """The entry `name` of a dataset_info.json; the only one where no name is given.

    Raises:
        InputError: the file cannot be read as one.
        UsageError: there is no such entry, or several and no name.
    """
    try:
        content = orjson.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error
    entries = (
        {key: value for key, value in content.items() if isinstance(value, dict)} if isinstance(content, dict) else {}
    )
    if not entries:
        raise InputError(f"{path} holds no datasets: it should be an object of name and description")
    if not name and len(entries) > 1:
        raise UsageError(f"{path} describes several datasets: name one, as {path}#{next(iter(entries))}")
    name = name or next(iter(entries))
    if name not in entries:
        raise UsageError(f"{path} has no dataset {name!r}{did_you_mean(name, entries)}")
    return _entry(Path(path), name, entries[name])


def _entry(path: Path, name: str, value: dict[str, JSON]) -> Entry:
    formatting = value.get("formatting", "alpaca")
    if formatting not in ("alpaca", "sharegpt", "openai"):
        raise InputError(f"{path}: {name}: no formatting {formatting!r}; alpaca, sharegpt or openai is expected")
    columns = _named(path, name, value, "columns", {**_ALPACA, "messages": "conversations", **_BESIDE})
    tags = _named(path, name, value, "tags", _TAGS)
    if "columns" not in value:
        columns = {key: place for key, place in {**_ALPACA, "messages": "conversations"}.items() if place}
    place = value.get("file_name")
    found = path.parent / place if isinstance(place, str) else None
    if found is not None and found.is_dir():
        files = tuple(str(file) for file in sorted(found.iterdir()) if file.is_file())
    else:
        files = (str(found),) if found is not None else ()
    return Entry(name, files, formatting, columns, {**_TAGS, **tags})


def _named(
    path: Path, name: str, value: dict[str, JSON], key: str, known: dict[str, str | None] | dict[str, str]
) -> dict[str, str]:
    given = value.get(key) or {}
    for word in given:
        if word not in known:
            raise InputError(f"{path}: {name}: {key} has no {word!r}{did_you_mean(word, known)}")
    return {word: place for word, place in given.items() if isinstance(place, str)}


_ROLES = {
    "sharegpt": ("from", "value", "human", "gpt", "observation", "function_call", "system"),
    "openai": ("role", "content", "user", "assistant", "tool", "assistant", "system"),
}


def _turn(value: JSON, pointer: str, tags: dict[str, str], formatting: str) -> JSON:
    """A turn with our names of fields and roles."""
    if not isinstance(value, dict):
        return value
    role_key, text_key, *names = _ROLES[formatting]
    roles = dict(zip((tags[f"{who}_tag"] for who in ("user", "assistant", "observation", "function", "system")), names,
                     strict=True))  # fmt: skip
    turn = dict(value)
    role, text = turn.pop(tags["role_tag"], None), turn.pop(tags["content_tag"], None)
    if role is None:
        raise RowError(f"{pointer} has no {tags['role_tag']!r}, the role_tag of dataset_info", pointer, "S106")
    if role not in roles:
        raise RowError(f"{pointer}/{tags['role_tag']} is {role!r}, which is none of the tags: {', '.join(roles)}",
                       f"{pointer}/{tags['role_tag']}", "S103")  # fmt: skip
    return {role_key: roles[role], text_key: text, **turn}


def _renamed(row: RowValue, entry: Entry) -> tuple[RowValue, RowValue]:
    """`(row in our names, what the entry does not list)`."""
    own: RowValue = {}
    unread = dict(row)
    wanted = _ALPACA if entry.formatting == "alpaca" else {"messages": None}
    for column, place in entry.columns.items():
        if (column in wanted or column in _BESIDE) and place in unread:
            own[_own_name(column, entry)] = unread.pop(place)
    for column in ("messages", "chosen", "rejected") if entry.formatting != "alpaca" else ():
        field, at = _own_name(column, entry), f"/{entry.columns.get(column, column)}"
        turns = own.get(field)
        if isinstance(turns, list):
            own[field] = [
                _turn(turn, f"{at}/{index}", entry.tags, entry.formatting) for index, turn in enumerate(turns)
            ]
        elif turns is not None:
            own[field] = _turn(turns, at, entry.tags, entry.formatting)
    return own, unread


def _own_name(column: str, entry: Entry) -> str:
    """The field of our format that a column of LLaMA-Factory is."""
    if entry.formatting == "openai":
        return "label" if column == "kto_tag" else column
    return _OWN.get(column, column)


def _places_in_file(entry: Entry) -> dict[str, str]:
    """Our name of each field to the column it stands in."""
    places = {_own_name(column, entry): place for column, place in entry.columns.items()}
    return {own: place for own, place in places.items() if own != place}


def _decode(row: RowValue, entry: Entry) -> Example:
    own, unread = _renamed(row, entry)
    try:
        example = _own_format(entry).decode(own)
    except RowError as error:  # told in the names of the file
        reason, pointer = error.reason, error.pointer
        for field, place in _places_in_file(entry).items():
            reason = reason.replace(f"/{field}", f"/{place}").replace(repr(field), repr(place))
            pointer = f"/{place}{pointer[len(field) + 1 :]}" if pointer.startswith(f"/{field}") else pointer
        raise RowError(reason, pointer, error.code) from None
    example.extra = {**example.extra, **unread}
    return example


def _places(row: RowValue, example: Example, entry: Entry) -> list[str]:
    places = _own_format(entry).places(_renamed(row, entry)[0], example)
    for field, place in _places_in_file(entry).items():
        places = [f"/{place}{at[len(field) + 1 :]}" if at.startswith(f"/{field}") else at for at in places]
    return places


def _own_format(entry: Entry) -> Format:
    return get_format({"openai": "chatml"}.get(entry.formatting, entry.formatting))


def entry_format(entry: Entry) -> Format:
    """The format of the rows that `entry` describes; it is read, not written."""

    def encode(example: Example) -> JSON:
        raise UsageError("a dataset_info.json describes what is read; write alpaca or sharegpt")

    return Format(
        name=f"dataset_info:{entry.name}",
        summary=f"{entry.formatting} as dataset_info.json describes it",
        example="",
        holds=frozenset(Feature),
        keys=frozenset(entry.columns.values()),
        detect=lambda row: 0,
        decode=partial(_decode, entry=entry),
        encode=encode,
        places=partial(_places, entry=entry),
    )
