"""The shape that the values of many rows have in common, and what a typed column can therefore be.

Typed columns (Arrow, Hugging Face's datasets) give every row the same fields and fill in nulls. Where rows differ
in shape the value is JSON instead, at the place where they begin to differ, as datasets' own `Json()` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from dsforge.example import JSON
from dsforge.io.container import Rows
from dsforge.io.jsonl import dumps
from dsforge.io.rows import parse

Kind: TypeAlias = Literal["text", "bool", "int", "float", "null", "list", "struct", "json"]

_MAX_DEPTH = 12
_MAX_FIELDS = 500  # of an object whose keys are data


@dataclass
class Shape:
    """What is known of the values at one place: their kinds, and the shapes of their elements or fields."""

    count: int = 0
    nulls: int = 0
    objects: int = 0
    kinds: set[str] = field(default_factory=set)
    item: Shape | None = None
    fields: dict[str, Shape] = field(default_factory=dict)

    def add(self, value: JSON, depth: int = 0) -> None:
        """Take one more value into account."""
        self.count += 1
        if value is None:
            self.nulls += 1
        elif isinstance(value, str):
            self.kinds.add("text")
        elif isinstance(value, bool):
            self.kinds.add("bool")
        elif isinstance(value, int):
            self.kinds.add("int" if -(2**63) <= value < 2**63 else "json")
        elif isinstance(value, float):
            self.kinds.add("float")
        elif depth >= _MAX_DEPTH:
            self.kinds.add("json")
        elif isinstance(value, list):
            self.kinds.add("list")
            self.item = self.item or Shape()
            for part in value:
                self.item.add(part, depth + 1)
        else:
            self._add_object(value, depth)

    def _add_object(self, value: dict[str, JSON], depth: int) -> None:
        self.kinds.add("struct")
        self.objects += 1
        for key, part in value.items():
            if key not in self.fields:
                if len(self.fields) == _MAX_FIELDS:
                    self.kinds.add("json")
                    return
                self.fields[key] = Shape()
            self.fields[key].add(part, depth + 1)

    @property
    def are_messages(self) -> bool:
        """Whether the values are objects that all say who speaks."""
        speakers = [self.fields[name] for name in ("role", "from") if name in self.fields]
        return self.kinds == {"struct"} and any(
            speaker.count == self.objects and speaker.kinds == {"text"} for speaker in speakers
        )


@dataclass(frozen=True)
class Form:
    """What a typed column, field or element is.

    `always` says that the field is never absent, so that a null in it is a null. Else the null of a `json` value is
    the JSON text `null`, and of another kind there is none.
    """

    kind: Kind
    item: Form | None = None
    fields: Mapping[str, Form] = field(default_factory=dict)
    always: bool = False

    @cached_property
    def has_json(self) -> bool:
        """Whether there is JSON in it anywhere."""
        return self.kind == "json" or any(part.has_json for part in self.parts())

    def parts(self) -> Iterator[Form]:
        """The forms of its elements or fields."""
        if self.item:
            yield self.item
        yield from self.fields.values()

    def store(self, value: JSON) -> JSON:
        """A value as the column holds it: JSON as text."""
        if self.kind == "json":
            return None if value is None and self.always else dumps(value).decode()
        if self.item and isinstance(value, list):
            return [self.item.store(part) for part in value] if self.item.has_json else value
        if isinstance(value, dict) and self.has_json:
            return {key: self.fields[key].store(part) for key, part in value.items()}
        return value


def _form(shape: Shape, merge: bool, always: bool) -> Form:
    """`merge` lets the fields of messages that differ stand side by side, null where a message lacks one."""
    if len(shape.kinds) > 1 or (shape.nulls and not always):
        return Form("json", always=always)
    kind = next(iter(shape.kinds), "null")
    if kind == "list":
        assert shape.item is not None
        return Form("list", item=_form(shape.item, merge, True), always=always)
    if kind == "struct":
        uniform = all(part.count == shape.objects for part in shape.fields.values())
        if not shape.fields or not (uniform or (merge and shape.are_messages)):
            return Form("json", always=always)
        fields = {
            key: _form(_without_nulls(part) if part.count < shape.objects else part, merge, part.count == shape.objects)
            for key, part in shape.fields.items()
        }
        return Form("struct", fields=fields, always=always)
    if kind in ("text", "bool", "int", "float", "null"):
        return Form(kind, always=always)  # type: ignore[arg-type] # one of the kinds it was compared with
    return Form("json", always=always)


def _without_nulls(shape: Shape) -> Shape:
    """The shape of a field that is filled in with nulls anyway."""
    return Shape(shape.count, 0, shape.objects, shape.kinds, shape.item, shape.fields)


class Forms:
    """The forms of the fields of rows.

    For datasets before 4.8 (`hf_compat`), which has no JSON: only in lists of messages does JSON text stand beside
    typed fields, and there the fields of all messages are merged. Any other column with JSON is JSON as a whole.
    """

    def __init__(self, rows: Iterable[bytes], hf_compat: bool) -> None:
        shapes: dict[str, Shape] = {}
        self.rows = 0
        for raw in rows:
            self.rows += 1
            row = parse(raw)[0]
            if isinstance(row, dict):
                for key, value in row.items():
                    shapes.setdefault(key, Shape()).add(value)
        self.columns: dict[str, Form] = {}
        for key, shape in shapes.items():
            messages = hf_compat and shape.item is not None and shape.item.are_messages
            always = shape.count == self.rows
            form = _form(shape, messages, always)
            whole = hf_compat and form.has_json and not messages
            self.columns[key] = Form("json", always=always) if whole else form

    def json_places(self) -> list[str]:
        """The names of what is JSON, as `messages[].tool_calls`."""
        return [place for key, form in self.columns.items() for place in _places(form, key)]

    def notices(self, name: str) -> list[str]:
        """What the user should know of columns written for datasets before 4.8."""
        places = self.json_places()
        if not places:
            return []
        return [f"{name}: JSON as text, for datasets before 4.8 (json.loads reads it): {', '.join(places)}"]

    def store(self, row: dict[str, JSON]) -> dict[str, JSON]:
        """A row as the columns hold it."""
        return {key: self.columns[key].store(value) for key, value in row.items()}


def _places(form: Form, place: str) -> Iterator[str]:
    if form.kind == "json":
        yield place
    if form.item:
        yield from _places(form.item, f"{place}[]")
    for key, part in form.fields.items():
        yield from _places(part, f"{place}.{key}")


def as_text(rows: Rows, name: str) -> tuple[Rows, list[str]]:
    """`(rows, notices)`: rows for datasets before 4.8, with JSON text where their shapes differ."""
    forms = Forms(rows(), hf_compat=True)

    def stored() -> Iterator[bytes]:
        for raw in rows():
            row = parse(raw)[0]
            yield dumps(forms.store(row)) if isinstance(row, dict) else raw

    return stored, forms.notices(name)
