"""A field beside those of a row is read, kept, or refused; whatever it is called, and whatever it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from dsforge.convert.chunk import encode_example
from dsforge.errors import RowError
from dsforge.feature import Feature
from dsforge.formats.format import all_formats

CASES = Path(__file__).parents[1] / "cases" / "formats"
FORMATS = {name: fmt for name, fmt in all_formats().items() if not fmt.rows_are_arrays}
EVERY_KEY = sorted({key for fmt in FORMATS.values() for key in fmt.keys} | {"surely_unknown", "id", "weight"})
VALUES: list[Any] = [
    {"parallel_tool_calls": True, "a": 1},
    "words",
    5,
    True,
    ["a"],
    {"a": 1},
    [{"role": "user", "content": "x"}],
]


@pytest.mark.parametrize("name", FORMATS)
def test_a_field_that_is_put_beside_a_row_does_not_vanish(name: str) -> None:
    fmt, checked = FORMATS[name], 0
    for case in yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8")):
        row, before = case["row"], fmt.decode(case["row"])
        for key in EVERY_KEY:
            for value in VALUES if key not in row else ():
                try:
                    after = fmt.decode({**row, key: value})
                except RowError:
                    continue
                checked += 1
                kept = key in after.extra or key in after.meta
                assert kept or after != before, f"{case['name']}: {key}={value!r} is gone without a word"
    assert checked > 50


@pytest.mark.parametrize("name", FORMATS)
def test_only_a_row_with_a_key_of_the_format_is_taken_for_its_own(name: str) -> None:
    """What lets detection pass over a format without asking it."""
    fmt = FORMATS[name]
    for case in yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8")):
        assert not fmt.keys.isdisjoint(case["row"])
        foreign = {key: value for key, value in case["row"].items() if key not in fmt.keys}
        assert fmt.detect(foreign) == 0


@pytest.mark.parametrize("name", all_formats())
def test_an_unknown_field_is_written_or_told_as_lost(name: str) -> None:
    """Whatever stands beside a row of any other format, under whatever name."""
    fmt, checked = all_formats()[name], 0
    for case in yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8")):
        example = fmt.decode(case["row"])
        for key in EVERY_KEY:
            for value in VALUES if key not in example.meta else ():
                changed = replace(example, extra={**example.extra, key: value})
                try:
                    row, lost = encode_example(changed, fmt)
                    back = fmt.decode(row)
                except RowError:
                    continue
                checked += 1
                kept = value in (back.extra.get(key), back.meta.get(key))
                assert kept or Feature.EXTRA in lost, f"{case['name']}: {key}={value!r} is lost without a word"
    assert checked > 50
