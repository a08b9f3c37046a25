"""One column a turn, for people who annotate in a spreadsheet: system, user_1, assistant_1, user_2 and so on.

Pairs have chosen and rejected after the last user_N, KTO a label (true or false). Cells are text, and an empty cell
is none: a turn that is missing in the middle is an error. Reasoning stands in the answer as `<think>`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import exchanges_of, one_answer
from dsforge.formats.expect import META_KEYS, MISSING_FIELD, WRONG_TYPE, kind_of, optional_text, with_rest
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.thinking import answer_of, thought_aloud

_MOST = 99  # more turns than anyone reads in columns
_SIDES = ("user", "assistant")
_TURN = re.compile(r"(user|assistant)_([1-9]\d?)")
_BESIDE = ("system", "chosen", "rejected", "label")
_KEYS = frozenset({*_BESIDE, *(f"{side}_{number}" for number in range(1, _MOST + 1) for side in _SIDES)})
_LABELS = {"true": True, "false": False}
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.MULTI_TURN,
        Feature.OPEN_END,
        Feature.REASONING,
        Feature.PREFERENCE,
        Feature.LABEL,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


def _detect(row: RowValue) -> int:
    return 85 if "user_1" in row and "messages" not in row and "conversations" not in row else 0


def _columns(row: RowValue) -> list[str]:
    """The columns of the turns in their order, up to the last that is filled.

    Raises:
        RowError: one before it is missing or empty.
    """
    found = (_TURN.fullmatch(key) for key, cell in row.items() if cell not in (None, ""))
    filled = {(int(match[2]), match[1]) for match in found if match}
    last = max(((number, _SIDES.index(side)) for number, side in filled), default=(1, 0))
    columns = []
    for number in range(1, last[0] + 1):
        for side in _SIDES[: last[1] + 1] if number == last[0] else _SIDES:
            name = f"{side}_{number}"
            if (number, side) not in filled:
                after = f"; {_SIDES[last[1]]}_{last[0]} is filled" if filled else ""
                raise RowError(f"the row has no {name!r}, or it is empty{after}", f"/{name}", MISSING_FIELD)
            columns.append(name)
    return columns


def _label(value: JSON) -> bool | None:
    """True or false, also as the words that spreadsheets write."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _LABELS:
        return _LABELS[value.lower()]
    found = repr(value) if isinstance(value, str) else kind_of(value)
    raise RowError(f"/label is {found}; true or false is expected", "/label", WRONG_TYPE)


def _decode(row: RowValue) -> Example:
    messages = []
    for name in _columns(row):
        said = optional_text(row, name) or ""
        messages.append(Message("user", said) if name.startswith("user") else answer_of(said))
    if system := optional_text(row, "system"):
        messages.insert(0, Message("system", system))
    meta = {key: row[key] for key in META_KEYS if key in row}
    extra = {key: value for key, value in row.items() if key not in _KEYS and key not in meta}
    example = Example(messages, label=_label(row.get("label")), meta=meta, extra=extra)
    pair = {name: text for name in ("chosen", "rejected") if (text := optional_text(row, name))}
    if pair:
        for name in ("chosen", "rejected"):
            if name not in pair:
                raise RowError(f"the row has no {name!r}, or it is empty", f"/{name}", MISSING_FIELD)
        example.chosen, example.rejected = [answer_of(pair["chosen"])], [answer_of(pair["rejected"])]
    return example


def _encode(example: Example) -> RowValue:
    example = only_held(example, _HOLDS, _KEYS)
    said = exchanges_of(example.messages, "turns")
    turns = [message for pair in said.pairs for message in pair] + ([said.question] if said.question else [])
    if len(turns) > 2 * _MOST:
        raise RowError(f"turns holds {_MOST} questions, but here are {len(turns) // 2}", code="S902")
    row: RowValue = {"system": said.system.text} if said.system else {}
    for index, message in enumerate(turns):
        row[f"{_SIDES[index % 2]}_{index // 2 + 1}"] = thought_aloud(message)
    if example.chosen is not None and example.rejected is not None:
        row["chosen"] = one_answer(example.chosen, "turns")
        row["rejected"] = one_answer(example.rejected, "turns")
    for name, text in row.items():
        if not text:
            raise RowError(f"{name} would be an empty cell, which turns reads as no message", code="S902")
    if example.label is not None:
        row["label"] = "true" if example.label else "false"
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    pair = ["chosen", "rejected"] if example.is_preference else []
    return [f"/{name}" for name in [*(["system"] if row.get("system") else []), *_columns(row), *pair]]


_Filled: TypeAlias = Annotated[str, Meta(min_length=1)]
_Empty: TypeAlias = Literal[""] | None
_Word: TypeAlias = Annotated[str, Meta(pattern="^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])?$")]


class _Fields(shapes.Metadata, kw_only=True):
    user_1: Annotated[_Filled, Meta(description="What is asked.")]
    assistant_1: Annotated[str | None, Meta(description="The answer.")] = None
    system: shapes.System = None
    label: Annotated[bool | _Word | None, Meta(description="Whether the answer is good (KTO).")] = None


class Columns(_Fields, kw_only=True):
    """Questions and answers by turns."""

    chosen: _Empty = None
    rejected: _Empty = None


class Preference(_Fields, kw_only=True):
    """A question with a better and a worse answer."""

    chosen: Annotated[_Filled, Meta(description="The better answer.")]
    rejected: Annotated[_Filled, Meta(description="The worse answer.")]


_CELLS = {"patternProperties": {f"^{_TURN.pattern}$": {"type": ["string", "null"]}}}
FORMAT = Format(
    name="turns",
    summary="one column a turn, for spreadsheets: system, user_1, assistant_1, user_2, ...",
    example='{"user_1": "Hi", "assistant_1": "Hello!", "category": "greeting"}',
    holds=_HOLDS,
    keys=_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Annotated[Columns | Preference, Meta(extra_json_schema=_CELLS)],
)
