"""The schema of a format says what its decoder says, as far as one value tells.

1. What a format writes, and what it reads without leaving a known field unread, its schema accepts.
2. What a decoder refuses for the shape of a value (a field missing, of another type, no known role or part), the schema
   refuses. What lies between fields, or within a text, no schema can say: BETWEEN names every such reason.

Both hold for rows with one value changed, in whatever way.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice, product
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import JSON
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, all_formats, get_format
from dsforge.formats.read import read_examples
from dsforge.formats.schema import schema_of
from tests.laws.mutate_rows import mutants, mutants_at, paths
from tests.laws.strategies import examples_for
from tests.shared_data import real_files, seed_files

NAMES = sorted(all_formats())
CASES = Path(__file__).parents[1] / "cases" / "formats"
SHAPE = ("S103", "S105", "S106", "S107")
BETWEEN = re.compile(
    r"the answers share no turn$"  # two conversations should begin alike
    r"|should hold .* as JSON text, but"
    r"|or it is empty; \w+ is filled$"  # turns: a column between two others
    r"|has no score, but others have$"  # ultrafeedback
    r"|/image is null; a URL or a file name is expected$"  # trl: the files stand in `images`, or should
)


@cache
def _schema(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema_of(get_format(name)))


@cache
def _variants(name: str) -> list[Format]:
    """The format under every choice of its options."""
    options = get_format(name).options
    choices = product(*(option.choices for option in options))
    return [get_format(name, dict(zip([option.name for option in options], chosen, strict=True))) for chosen in choices]


def _rows(name: str) -> list[JSON]:
    cases = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    rows = [row for case in cases for row in (case["row"], case.get("writes", case["row"]))]
    return [orjson.loads(get_format(name).example), *rows]


def _refusal(fmt: Format, row: JSON) -> str:
    """The code under which the decoder refuses the row, or a word for why it does not count; "" where it is read."""
    try:
        example = fmt.decode(row)
    except RowError as error:
        return "between" if BETWEEN.search(error.reason) else error.code
    extras = (message.extra for message in example.all_messages())
    in_full = fmt.keys.isdisjoint(example.extra) and all(fmt.message_keys.isdisjoint(extra) for extra in extras)
    return "" if in_full else "unread"


def _check(fmt: Format, row: JSON) -> bool:
    """Hold the schema against the decoder; whether both refuse the row for its shape."""
    accepts = _schema(fmt.name).is_valid(row)
    reason = _refusal(fmt, row)
    assert accepts or reason, f"read, but refused by the schema: {row}"
    misshapen = reason in SHAPE
    assert not (accepts and misshapen), f"refused with {reason}, but accepted by the schema: {row}"
    return misshapen


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_cases_and_what_becomes_of_them(name: str) -> None:
    refused = 0
    for row in _rows(name):
        _schema(name).validate(row)
        refused += sum(_check(get_format(name), mutant) for mutant in mutants(row))
    assert refused > 10


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_that_are_written_and_what_becomes_of_them(name: str, data: st.DataObject) -> None:
    fmt = data.draw(st.sampled_from(_variants(name)))
    try:
        raw, _ = convert_example(data.draw(examples_for(name)), fmt)
    except RowError:
        assume(False)
    row = orjson.loads(raw)
    _schema(name).validate(row)
    for mutant in mutants_at(row, data.draw(st.sampled_from(list(paths(row))))):
        _check(fmt, mutant)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_row_is_refused(name: str) -> None:
    empty = {} if get_format(name).rows_are_arrays else []
    assert not any(_schema(name).is_valid(row) for row in (None, True, 5, "text", empty, [5]))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_may_name_its_schema_for_the_editor(name: str) -> None:
    fmt = get_format(name)
    row = orjson.loads(fmt.example)
    if not fmt.rows_are_arrays:
        _schema(name).validate({"$schema": schema_of(fmt)["$id"], **row})


@pytest.mark.parametrize("path", [*real_files(), *seed_files()], ids=lambda path: path.name)
def test_public_rows(path: Path) -> None:
    """Every public row that is read is valid in its format, and in every other that holds it."""
    for row, example in islice(read_examples(path), 100):
        found = detect_row(row.value)
        assert found
        _schema(found.name).validate(row.value)
        for fmt in all_formats().values():
            try:
                raw, _ = convert_example(example, fmt)
            except RowError:
                continue
            _schema(fmt.name).validate(orjson.loads(raw))
