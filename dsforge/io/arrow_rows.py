"""Rows of Arrow record batches as JSON, and what of a schema has no JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

import orjson

from dsforge.errors import InputError
from dsforge.extras import require
from dsforge.io.container import TableRow
from dsforge.io.diagnose import Problem
from dsforge.io.rows import parse

MARK = b"dsforge"
"""Metadata of a field that dsforge wrote: `always` where null is a null and no absent field, `json` for JSON text."""

_BATCH = 1000
_Convert: TypeAlias = "Callable[[Any], object] | None"
"""From what pyarrow gives to what orjson takes; None where it is the same."""


class ArrowRows:
    """Turns record batches of one schema into rows.

    A null in a struct and in a row is a field that is absent: libraries fill in nulls so that all rows have the
    same fields. Fields that dsforge marked `always` are the exception.

    Raises:
        InputError: a column holds what JSON cannot.
    """

    def __init__(self, name: str, schema: Any) -> None:
        self._arrow = require("pyarrow", "tables", f"reading {name}")
        self._name = name
        self._problems: list[Problem] = []
        self._place = ""
        self._columns = [
            (field.name, _marked(field, b"always"), self._converter(field, field.name)) for field in schema
        ]
        self._line = 0

    def rows(self, batches: Iterable[Any]) -> Iterator[TableRow]:
        """The rows of the batches, numbered from 1."""
        for batch in batches:
            for start in range(0, batch.num_rows, _BATCH):
                try:
                    yield from self._rows(batch.slice(start, _BATCH))
                except UnicodeDecodeError as error:
                    raise InputError(f"{self._name}: text near row {self._line:,} is not UTF-8: {error}") from error

    def _rows(self, batch: Any) -> Iterator[TableRow]:
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            self._line += 1
            self._problems = []
            row: dict[str, object] = {}
            for (name, always, convert), value in zip(self._columns, values, strict=True):
                if value is None and not always:
                    continue
                self._place = name
                row[name] = convert(value) if convert and value is not None else value
            raw = orjson.dumps(row)
            if self._problems:
                yield TableRow(self._line, b"[" + raw + b"]", tuple(self._problems))
            else:
                yield TableRow(self._line, raw)

    def _converter(self, field: Any, place: str) -> _Convert:
        types, kind = self._arrow.types, field.type
        if isinstance(kind, self._arrow.JsonType) or (_marked(field, b"json") and types.is_string(kind)):
            return self._json
        if isinstance(kind, self._arrow.BaseExtensionType):
            return self._converter(field.with_type(kind.storage_type), place)
        if types.is_dictionary(kind):
            return self._converter(field.with_type(kind.value_type), place)
        if types.is_struct(kind):
            return self._struct(kind, place)
        if types.is_map(kind):
            return self._map(kind, place)
        if types.is_nested(kind) and hasattr(kind, "value_field"):
            convert = self._converter(kind.value_field, f"{place}[]")
            return None if convert is None else lambda values: [_or_null(convert, value) for value in values]
        return self._scalar(kind, place)

    def _scalar(self, kind: Any, place: str) -> _Convert:
        types = self._arrow.types
        if types.is_floating(kind):
            return self._number
        if types.is_decimal(kind):
            return _exact
        if types.is_temporal(kind):
            return lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value)
        texts = (types.is_string, types.is_large_string, types.is_string_view)
        if types.is_null(kind) or types.is_boolean(kind) or types.is_integer(kind) or any(is_(kind) for is_ in texts):
            return None
        what = "bytes (images, audio?)" if "binary" in str(kind) else f"{kind} values"
        raise InputError(
            f"{self._name}: column {place} holds {what}, which a row of JSON cannot: drop the column, or keep "
            f"such data in files that the rows name"
        )

    def _struct(self, kind: Any, place: str) -> _Convert:
        fields = [
            (part.name, _marked(part, b"always"), self._converter(part, f"{place}.{part.name}")) for part in kind.fields
        ]  # fmt: skip

        def convert(value: dict[str, Any]) -> dict[str, object]:
            result: dict[str, object] = {}
            for name, always, inner in fields:
                part = value[name]
                if part is not None:
                    result[name] = inner(part) if inner else part
                elif always:
                    result[name] = None
            return result

        return convert

    def _map(self, kind: Any, place: str) -> _Convert:
        if not self._arrow.types.is_string(kind.key_type) and not self._arrow.types.is_large_string(kind.key_type):
            raise InputError(f"{self._name}: column {place} is a map whose keys are no text, which JSON cannot hold")
        convert = self._converter(kind.item_field, f"{place}{{}}")
        return lambda pairs: {key: _or_null(convert, value) for key, value in pairs}

    def _json(self, text: str) -> object:
        """JSON text as it stands; where it is none, the text, and the row is refused."""
        raw = text.encode()
        found = parse(raw)[1]
        if not found:
            return orjson.Fragment(raw)
        for problem in found:
            message = f"column {self._place} is JSON: {problem.message} (character {problem.offset + 1})"
            self._problems.append(Problem(problem.kind, message, problem.help, 0, 1, 1, f"/{self._place}"))
        return text

    def _number(self, value: float) -> object:
        if math.isfinite(value):
            return value
        message = f"column {self._place} holds {value}, which JSON has no number for"
        self._problems.append(Problem("syntax", message, "write null, or leave the row out", 0, 1, 1))
        return str(value)


def _exact(value: Decimal) -> orjson.Fragment:
    return orjson.Fragment(format(value, "f").encode())


def _or_null(convert: _Convert, value: object) -> object:
    return value if value is None or convert is None else convert(value)


def _marked(field: Any, mark: bytes) -> bool:
    return mark in (field.metadata or {}).get(MARK, b"").split()
