"""What a format can hold comes back unchanged; what it cannot is named beforehand."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, note, settings
from msgspec.structs import replace

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import JSON, Example, Text
from dsforge.feature import ESSENTIAL, Feature, used_features
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, all_formats, get_format
from dsforge.formats.held import only_held
from dsforge.formats.read import read_examples
from dsforge.formats.thinking import join_thinking
from dsforge.io.rows import parse
from tests.laws.strategies import examples_of_any_format
from tests.shared_data import real_files, seed_files

FORMATS = sorted(all_formats().values(), key=lambda fmt: fmt.name)
NAMES = [fmt.name for fmt in FORMATS]
LAW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IN_PART = frozenset(
    {
        Feature.EXTRA,  # unknown fields go only where they are called as known ones
        Feature.MESSAGE_EXTRA,
        Feature.THINK_MARKS,  # marks that fit reasoning stay marks
        Feature.TOOL_CALL_IDS,  # mistral makes ids that fit
        Feature.MEDIA_OPTIONS,  # gemini and bedrock keep the types of files
        Feature.TEXT_PARTS,  # gemini tells one text in a list from a text, but not from two
        Feature.WEIGHTS,  # qianfan holds those of turns, trl those that make a completion
    }
)
"""Features of which a format may hold a part, so that some of it is there still."""


def _encode(example: Example, fmt: Format) -> bytes | None:
    """The row in the format, None where the format says that it cannot hold the example."""
    try:
        return convert_example(example, fmt)[0]
    except RowError:
        return None


def _read(raw: bytes) -> JSON:
    value, problems = parse(raw, strict=True)
    assert not problems
    return value


def _meaning(example: Example) -> Example:
    """The example without the way in which the arguments of its calls were written."""
    for message in example.all_messages():
        for call in message.tool_calls:
            call.written = None
    return example


def _spoken(example: Example) -> Example:
    """The example with all reasoning in the text, where a reader that sees only text finds it."""
    example = _meaning(example)
    for message in example.all_messages():
        if message.role == "assistant" and message.reasoning is not None:
            thought, message.reasoning = join_thinking(message.reasoning, ""), None
            if isinstance(message.content, list):
                message.content = [Text(thought), *message.content]
            else:
                message.content = thought + (message.content or "")
    return example


def _holders(example: Example) -> list[tuple[Format, bytes]]:
    """The formats that hold all of an example, each with its row."""
    rows = ((fmt, _encode(example, fmt)) for fmt in FORMATS if not fmt.losses(example))
    return [(fmt, raw) for fmt, raw in rows if raw is not None]


@given(example=examples_of_any_format())
@settings(LAW, max_examples=300)
def test_what_a_format_holds_comes_back(example: Example) -> None:
    for fmt, raw in _holders(example):
        note(fmt.name)
        assert _meaning(fmt.decode(_read(raw))) == example


@given(example=examples_of_any_format())
@settings(LAW)
def test_exactly_what_is_told_is_lost(example: Example) -> None:
    """All that vanishes on the way was told, all that was told vanishes, and a second trip loses nothing more."""
    for fmt in FORMATS:
        note(fmt.name)
        told, used = fmt.losses(example), used_features(example)
        assert used - fmt.holds <= told
        assert told - (used - fmt.holds) <= IN_PART
        raw = _encode(example, fmt)
        if raw is None:
            continue
        assert not told & ESSENTIAL
        back = fmt.decode(_read(raw))
        if Feature.RANKING in told:  # what only the answers between use goes with them
            used = used_features(replace(example, between=[])) | {Feature.RANKING}
        gone = used - used_features(back)
        if Feature.REASONING in told:
            told.add(Feature.THINK_MARKS)  # those within the reasoning go with it
        assert gone <= told
        assert told & used <= gone | IN_PART
        again = _encode(back, fmt)
        assert again is not None
        assert fmt.decode(_read(again)) == back


@given(example=examples_of_any_format())
@settings(LAW)
def test_what_can_be_held_of_an_example_is_unharmed(example: Example) -> None:
    """Whatever else is lost with it: what the format holds of the example is what it gives back."""
    for fmt in FORMATS:
        note(fmt.name)
        told = fmt.losses(example) - (used_features(example) - fmt.holds)
        raw = _encode(example, fmt)
        if raw is None or told - {Feature.EXTRA, Feature.MESSAGE_EXTRA}:
            continue
        holds = fmt.holds - ({Feature.WEIGHTS} if fmt.name == "trl" else set())  # its boundary is read as weights
        back, held = (only_held(one, holds, fmt.keys, fmt.message_keys) for one in (fmt.decode(_read(raw)), example))
        assert _spoken(back) == _spoken(held)


@given(example=examples_of_any_format())
@settings(LAW)
def test_written_rows_are_detected_as_what_they_are(example: Example) -> None:
    """A written row is found to be in its format, or in one that reads the same; what `<think>` is, rows do not say."""
    for fmt in FORMATS:
        note(fmt.name)
        raw = _encode(example, fmt)
        if raw is None:
            continue
        row = _read(raw)
        found = detect_row(row)
        assert found is not None
        assert found is fmt or _spoken(found.decode(row)) == _spoken(fmt.decode(row))


@given(example=examples_of_any_format())
@settings(LAW)
def test_there_and_back_through_any_other_format_changes_nothing(example: Example) -> None:
    """A to B to A is the identity, for every pair of formats that both hold the example."""
    for (first, raw), (second, _) in permutations(_holders(example), 2):
        note(f"{first.name} to {second.name} to {first.name}")
        there = _encode(first.decode(_read(raw)), second)
        assert there is not None
        back = _encode(second.decode(_read(there)), first)
        assert back is not None
        assert _meaning(first.decode(_read(back))) == example


@pytest.mark.parametrize("path", [*real_files(), *seed_files()], ids=lambda path: path.name)
def test_real_rows_survive(path: Path) -> None:
    """Real rows come back the same from every format that holds all of them, or are refused with a reason."""
    examples = [example for _, example in read_examples(path)]
    for example in examples[:: len(examples) // 100 + 1]:
        for fmt, raw in _holders(example):
            assert _meaning(fmt.decode(orjson.loads(raw))) == _meaning(example), fmt.name


@pytest.mark.parametrize("name", NAMES)
def test_example_in_the_documentation_decodes(name: str) -> None:
    fmt = get_format(name)
    row = orjson.loads(fmt.example)
    assert detect_row(row) is fmt
    assert fmt.decode(row).messages
