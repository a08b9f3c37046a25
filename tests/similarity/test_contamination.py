"""A row that holds a benchmark's item is told, however much stands around it; one that only looks alike is not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.similarity.contamination import Benchmark, Item, read_benchmark

QUESTION = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."
CHINESE = "小明有十二个苹果,他给了小红三个,又买了五个,现在他一共有多少个苹果?"
BENCHMARK = Benchmark([QUESTION, CHINESE, "What is it?", ""])


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (QUESTION, 0),
        (f"Here is a task for you.\n\n{QUESTION.upper().replace(' ', chr(10))} How many in all? " + "x y z " * 200, 0),
        (QUESTION.replace("Natalia", "Peter"), 0),
        (f"请回答:{CHINESE}谢谢", 1),
        (CHINESE.replace(",", "，"), 1),
    ],
)
def test_what_holds_an_item(text: str, item: int) -> None:
    match = BENCHMARK.find("", text)
    assert match is not None
    assert match.item == item
    assert match.share >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Natalia sold clips to her friends in June and in July, forty of them, and bought two.",
        "小明有三个梨,他给了小红一个,又买了两个,现在他有几个梨?",
        "Tell me: what is it? And why?",
        "",
    ],
)
def test_what_does_not(text: str) -> None:
    assert BENCHMARK.find(text, text) is None


def test_a_short_item_has_to_be_all_that_is_asked() -> None:
    match = BENCHMARK.find("What IS it", "a long conversation")
    assert match is not None
    assert match.item == 2


def test_the_stretch_is_what_is_shared() -> None:
    match = BENCHMARK.find("", f"Before. {QUESTION} After.")
    assert match is not None
    assert match.stretch == QUESTION[:-1]


words = st.lists(st.sampled_from([*"abcdefghij"]), min_size=8, max_size=30)


@given(words, words, words)
def test_an_item_is_found_wherever_it_stands(before: list[str], item: list[str], after: list[str]) -> None:
    match = Benchmark([" ".join(item)]).find("", " ".join([*before, *item, *after]))
    assert match is not None
    assert match.share == 1.0


def test_items_are_read_from_formats_and_from_fields(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(
        '{"question": "one"}\n{"messages": [{"role": "user", "content": "two"}]}\n{"id": 1}\n{broken\n{"goal": " "}\n'
    )
    benchmark, items = read_benchmark([str(path)])
    assert items == [Item(str(path), 1), Item(str(path), 2)]
    match = benchmark.find("Two?", "")
    assert match is not None
    assert match.item == 1
