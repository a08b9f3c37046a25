"""What a format can hold comes back unchanged; what it cannot is named beforehand."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.feature import ESSENTIAL, Feature, used_features
from dsforge.formats.detect import detect_row
from dsforge.formats.format import all_formats, get_format
from dsforge.formats.read import decode_row
from dsforge.io.rows import parse
from tests.laws.strategies import examples_for
from tests.shared_data import real_files, seed_files

FORMATS = sorted(all_formats())


def _encode(example: Example, name: str) -> bytes | None:
    """The row in the format, None where the format says that it cannot hold the example."""
    try:
        return convert_example(example, get_format(name))[0]
    except RowError:
        return None


def _meaning(example: Example) -> Example:
    """The example without the way in which the arguments of its calls were written."""
    for message in example.all_messages():
        for call in message.tool_calls:
            call.written = None
    return example


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_what_a_format_holds_comes_back(name: str, data: st.DataObject) -> None:
    example = data.draw(examples_for(name))
    fmt = get_format(name)
    assume(not fmt.losses(example))
    raw = _encode(example, name)
    assume(raw is not None)
    value, problems = parse(raw or b"", strict=True)
    assert not problems
    assert _meaning(fmt.decode(value)) == example


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_lost_was_named(name: str, data: st.DataObject) -> None:
    """Features that vanish on the way are among the losses told; a second trip loses nothing more."""
    example = data.draw(examples_for(name))
    fmt = get_format(name)
    told = fmt.losses(example)
    raw = _encode(example, name)
    if raw is None:
        return
    back = fmt.decode(orjson.loads(raw) if len(raw) < 2000 else parse(raw)[0])
    if Feature.REASONING in told:
        told.add(Feature.THINK_MARKS)  # those within the reasoning go with it
    assert used_features(example) - used_features(back) <= told | ESSENTIAL
    assert not told & ESSENTIAL
    again = _encode(back, name)
    assert again is not None
    assert fmt.decode(parse(again)[0]) == back


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_written_rows_are_detected_as_what_they_are(name: str, data: st.DataObject) -> None:
    example = data.draw(examples_for(name))
    raw = _encode(example, name)
    assume(raw is not None)
    found = detect_row(parse(raw or b"")[0])
    assert found is not None
    if found.name != name:  # chatml with chosen and rejected is Bailian's dialect of dpo: the same example
        assert decode_row(parse(raw or b"")[0])[1].messages == get_format(name).decode(parse(raw or b"")[0]).messages


@pytest.mark.parametrize("path", [*real_files(), *seed_files()], ids=lambda path: path.name)
@pytest.mark.parametrize("name", FORMATS)
def test_real_rows_survive(path, name: str) -> None:
    """Every real row converts without an unnamed loss and comes back the same, or is refused with a reason."""
    from dsforge.formats.read import read_examples

    fmt = get_format(name)
    for _row, example in read_examples(path):
        if fmt.losses(example):
            continue
        raw = _encode(example, name)
        if raw is not None:
            assert _meaning(fmt.decode(orjson.loads(raw))) == _meaning(example)


@pytest.mark.parametrize("name", FORMATS)
def test_example_in_the_documentation_decodes(name: str) -> None:
    fmt = get_format(name)
    row = orjson.loads(fmt.example)
    found = detect_row(row)
    assert found is fmt
    assert fmt.decode(row).messages
