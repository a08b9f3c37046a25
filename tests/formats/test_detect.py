"""Rows of every format, mixed in one file, are each read as their own format reads them."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
import yaml

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message, ToolCall
from dsforge.formats.detect import detect_row
from dsforge.formats.format import Format, all_formats
from dsforge.formats.read import read_examples
from dsforge.io.jsonl import dumps
from dsforge.io.rows import parse
from tests.shared_data import real_files, seed_files

CASES = Path(__file__).parents[1] / "cases" / "formats"


CALL = ToolCall("weather", {"city": "Ulm"}, '{"city": "Ulm"}', "call00001")


def _asked(*texts: str) -> list[Message]:
    return [Message(("user", "assistant")[index % 2], text) for index, text in enumerate(texts)]


EXAMPLES = [
    Example(_asked("Hi", "Hello!")),
    Example(_asked("Hi", "Hello!", "Bye", "Bye!"), meta={"category": "greeting"}, extra={"note": 5}),
    Example([Message("system", "Be kind."), *_asked("Hi", " Hello!\n")], label=True),
    Example(_asked("Hi"), chosen=[Message("assistant", "Hello!")], rejected=[Message("assistant", "What?")]),
    Example(_asked("Hi", "Hello!", "Bye"), chosen=_asked("", "Bye!")[1:], rejected=_asked("", "No.")[1:]),
    Example(_asked("Hi"), chosen=_asked("", "A")[1:], rejected=_asked("", "C")[1:], between=[_asked("", "B")[1:]]),
    Example([Message("assistant", "Once upon a time.")]),
    Example(
        [
            Message("user", "Weather?"),
            Message("assistant", "Let me look.", tool_calls=[CALL]),
            Message("tool", "sunny", tool_call_id="call00001"),
            Message("assistant", "Sunny.", weight=0),
        ],
        tools=[{"type": "function", "function": {"name": "weather"}}],
    ),
]


def _written() -> list[tuple[Format, JSON]]:
    """Rows of every format: what each writes of the examples, and the rows of its cases that are found to be its."""
    rows: list[tuple[Format, JSON]] = []
    for fmt in all_formats().values():
        for example in EXAMPLES:
            try:
                rows.append((fmt, parse(convert_example(example, fmt)[0])[0]))
            except RowError:
                continue
        cases = yaml.safe_load((CASES / f"{fmt.name}.yaml").read_text(encoding="utf-8"))
        rows += [(fmt, case["row"]) for case in cases if "detected" not in case]
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_all_formats_in_one_file_are_read_as_their_own(tmp_path: Path, seed: int) -> None:
    rows = _written()
    assert {fmt.name for fmt, _ in rows} == set(all_formats())
    random.Random(seed).shuffle(rows)
    rows.sort(key=lambda one: isinstance(one[1], list))  # how a file begins tells whether it is JSONL
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(b"\n".join(dumps(row) for _, row in rows))
    reader = read_examples(path)
    examples = [example for _, example in reader]
    assert not reader.rejects
    assert [fmt.decode(row) for fmt, row in rows] == examples


NOT_OTHERS = [
    ({"text": "Hi", "label": 1}, "text"),
    ({"prompt": "a", "prompt_id": "b", "messages": [{"role": "user", "content": "a"}]}, "chatml"),
    ({"instruction": "a", "input": "b", "output": "c", "text": "Below is an instruction"}, "alpaca"),
    ({"instruction": "a", "input": "b", "response": "c"}, "alpaca"),  # refused there: the input would be left out
    ({"messages": [{"role": "User", "content": "a"}, {"role": "Assistant", "content": "b"}]}, "chatml"),
    ({"conversations": [{"from": "human", "value": "a"}], "system": "b"}, "sharegpt"),
    ({"question": "a"}, None),
    ({"answer": "a"}, None),
    ({"chosen": "a"}, None),
    ({"user_2": "a"}, None),
    ([1, 2], None),
    ([], None),
    ([{"role": "user", "content": "a"}], None),
]


@pytest.mark.parametrize(("row", "name"), NOT_OTHERS, ids=[str(case[0]) for case in NOT_OTHERS])
def test_rows_are_not_taken_for_another_format(row: JSON, name: str | None) -> None:
    found = detect_row(row)
    assert (found and found.name) == name


FILES = {
    "alpaca_en_demo.json": "alpaca",
    "alpaca_zh_demo.json": "alpaca",
    "code_alpaca_2k.json": "alpaca",
    "dpo_en_demo.json": "sharegpt",
    "glaive_toolcall_en_demo.json": "sharegpt",
    "identity.json": "alpaca",
    "kto_en_demo.json": "chatml",
    "mllm_demo.json": "chatml",
    "reason_tool_use_demo_50.jsonl": "llamafactory-v1",
    "bailian_dpo.jsonl": "chatml",
    "bailian_image_sft.jsonl": "bailian",
    "llamafactory_alpaca.json": "alpaca",
    "zhipu_dpo.json": "dpo",
}


@pytest.mark.parametrize("path", [*real_files(), *seed_files()], ids=lambda path: path.name)
def test_files_of_others_are_in_one_format(path: Path) -> None:
    reader = read_examples(path)
    read = sum(1 for _ in reader)
    expected = FILES.get(path.name, "chatml")
    assert reader.formats == (Counter({expected: read}) if read else Counter())
