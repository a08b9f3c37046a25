"""The summary of a dataset: what is counted, that merging changes nothing, and that it stays small."""

from __future__ import annotations

import random
import timeit
from collections import Counter
from functools import reduce
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.example import ROLES, Example, Media, Message, Text, ToolCall
from dsforge.report.histogram import BIN_OF, BINS, bin_of, empty, filled, lower_edge, quantile
from dsforge.report.script import script_of
from dsforge.report.summary import Summary
from dsforge.report.tally import CAPACITY, Tally


def row(*said: str, system: str = "") -> Example:
    roles = ("user", "assistant") * len(said)
    turns = [Message(role, text) for role, text in zip(roles, said, strict=False)]
    return Example([Message("system", system), *turns] if system else turns)


def summary(*examples: Example, tokens: int | None = None) -> Summary:
    result = Summary()
    for example in examples:
        result.add(example, "chatml", tokens)
    return result


def sizes(bins: list[int]) -> list[tuple[int, int]]:
    return [(low, count) for low, _, count in filled(bins)]


# -- what is counted -----------------------------------------------------------------------------------


def test_a_conversation() -> None:
    seen = summary(row("12345", "1234", system="123"), tokens=12)
    assert (seen.rows, seen.total_characters, seen.total_tokens, seen.with_system) == (1, 12, 12, 1)
    assert sizes(seen.characters) == [(12, 1)]
    assert sizes(seen.prompt) == [(8, 1)]
    assert sizes(seen.completion) == [(4, 1)]
    assert sizes(seen.turns) == [(3, 1)]
    assert sizes(seen.tokens) == [(12, 1)]
    assert seen.formats == {"chatml": 1}
    assert seen.roles == {"system": 1, "developer": 0, "user": 1, "assistant": 1, "tool": 0}
    assert seen.scripts == {"Latin": 1}


def test_what_is_not_trained_is_prompt_and_reasoning_is_text() -> None:
    first, second = Message("assistant", "12345", weight=0), Message("assistant", "1", reasoning="1234567")
    seen = summary(Example([Message("developer", None), Message("user", "12"), first, second]))
    assert sizes(seen.prompt) == [(7, 1)]
    assert sizes(seen.completion) == [(8, 1)]
    assert (seen.with_reasoning, seen.with_system, seen.with_tools) == (1, 1, 0)


def test_a_pair_compares_its_answers_and_trains_no_answer_of_the_prompt() -> None:
    prompt = [Message("user", "123"), Message("assistant", "12"), Message("user", "1")]
    seen = Summary()
    for chosen, rejected in (("1234", "12"), ("12", "1234"), ("12", "12")):
        seen.add(Example(prompt, chosen=[Message("assistant", chosen)], rejected=[Message("assistant", rejected)],
                         between=[[Message("assistant", "1")]]), "dpo")  # fmt: skip
    assert (seen.pairs, seen.chosen_longer, seen.same_length) == (3, 1, 1)
    assert sizes(seen.prompt) == [(6, 3)]
    assert sizes(seen.chosen) == sizes(seen.completion) == [(2, 2), (4, 1)]
    assert sizes(seen.rejected) == [(2, 2), (4, 1)]
    assert sizes(seen.turns) == [(4, 3)]
    assert seen.total_characters == 3 * (6 + 1) + 16
    assert seen.roles["assistant"] == 3 * 4


def test_rows_are_marked_once_whatever_they_repeat() -> None:
    parts = [Text("12"), Media("image", "a.png"), Media("image", "b.png")]
    call = Message("assistant", None, tool_calls=[ToolCall("f"), ToolCall("f")])
    seen = summary(
        Example([Message("user", parts), Message("user", parts), call, call, Message("tool", "1")]),
        Example([Message("user", [Media("audio", "a.wav")])], tools=[{}, {}], label=True),
        Example([Message("user", "1")], label=False, meta={"category": "maths"}),
        Example([Message("user", "1")], label=False, meta={"category": 7}),
    )
    assert (seen.with_images, seen.with_tools, seen.with_system, seen.with_reasoning) == (1, 2, 0, 0)
    assert (seen.labels_true, seen.labels_false) == (1, 2)
    assert seen.categories.counts == {"maths": 1}
    assert seen.total_characters == 4 + 1 + 2


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("plain", "Latin"),
        ("", "Latin"),
        ("— “quoted” … 😀", "Latin"),
        ("Ça déjà où", "Latin"),
        ("Tiếng Việt có nhiều dấu thanh ế ề ể ễ ệ", "Latin"),
        ("今天天气不错，我们去公园吧。", "Han"),
        ("用 Python 写一个快速排序的函数，并且说明它的时间复杂度", "Han"),
        ("今日はいい天気ですね。公園へ行きましょう。", "Kana"),
        ("コンピュータ", "Kana"),
        ("오늘은 날씨가 좋네요 ㅋㅋㅋ", "Hangul"),
        ("Сегодня хорошая погода", "Cyrillic"),
        ("الطقس جميل اليوم", "Arabic"),
        ("שלום עולם", "other"),
        ("วันนี้อากาศดี", "other"),
        ("გამარჯობა", "other"),
        ("Hello world, 今天天气不错我们去公园", "mixed"),
        ("😀😀 123 。，！", "none"),
        ("\ud83d", "none"),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script


def test_the_script_is_of_the_row_as_a_whole() -> None:
    translation = row("Translate: good morning", "早上好，祝你今天过得愉快，我们明天见")
    assert summary(translation).scripts == {"mixed": 1}
    pair = Example([Message("user", "Hi")], chosen=[Message("assistant", "你好" * 9)],
                   rejected=[Message("assistant", "您好" * 9)])  # fmt: skip
    assert summary(pair).scripts == {"Han": 1}
    thinking = Example([Message("user", "Hi"), Message("assistant", "OK", reasoning="让我想一想这个问题应该怎么回答")])
    assert summary(thinking).scripts == {"Han": 1}


# -- histograms ----------------------------------------------------------------------------------------


@given(st.integers(0, 1 << 45))
def test_bins_hold_what_falls_in_them(size: int) -> None:
    number = bin_of(size)
    assert lower_edge(number) <= size
    assert size < lower_edge(number + 1) or number == BINS - 1
    if size < len(BIN_OF):
        assert BIN_OF[size] == number


def test_bins_are_narrow() -> None:
    for number in range(8, BINS):
        assert lower_edge(number) < lower_edge(number + 1) <= lower_edge(number) * 1.25


def test_quantiles() -> None:
    bins = empty()
    assert quantile(bins, 0.5) is None
    for size in range(1, 101):
        bins[bin_of(size)] += 1
    assert quantile(bins, 0.5) == 55  # 50 falls in 48 to 55
    assert quantile(bins, 1.0) == 111
    assert quantile(bins, 0.01) == 1


# -- merging -------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab 你の한пع😀\ud800"), max_size=20)
MESSAGES = st.builds(
    Message, st.sampled_from(ROLES), st.one_of(st.none(), TEXTS, st.just([Text("x"), Media("image", "y")])),
    st.one_of(st.none(), TEXTS), st.sampled_from([[], [ToolCall("f")]]), weight=st.sampled_from([None, 0.0, 1.0]),
)  # fmt: skip
LISTS = st.lists(MESSAGES, max_size=3)
EXAMPLES = st.builds(
    Example, LISTS, chosen=st.one_of(st.none(), LISTS), rejected=st.one_of(st.none(), LISTS),
    label=st.sampled_from([None, True, False]), meta=st.one_of(st.just({}), st.fixed_dictionaries({"category": TEXTS})),
)  # fmt: skip
ROWS = st.lists(
    st.tuples(EXAMPLES, st.sampled_from(["chatml", "dpo"]), st.none() | st.integers(0, 1 << 42)), max_size=8
)


@given(ROWS, st.lists(st.integers(0, 8), max_size=3), st.randoms(use_true_random=False))
def test_parts_merged_in_any_order_are_the_whole(
    rows: list[tuple[Example, str, int | None]], cuts: list[int], chance: random.Random
) -> None:
    whole = Summary()
    for each in rows:
        whole.add(*each)
    edges = [0, *sorted(cuts), len(rows)]
    parts = []
    for start, end in pairwise(edges):
        part = Summary()
        for each in rows[start:end]:
            part.add(*each)
        parts.append(msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=Summary))
    chance.shuffle(parts)
    merged = Summary()
    for part in parts:
        merged.merge(part)
    assert merged == whole
    assert sum(whole.characters) == whole.rows == sum(whole.scripts.values()) == sum(whole.formats.values())


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5)), max_size=120), st.integers(1, 5),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_tallies_of_too_many_names_do_not_depend_on_the_order(
    named: list[tuple[int, int]], parts: int, chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dsforge.report.tally.CAPACITY", 10)
        whole, truth = Tally(), Counter[str]()
        for name, count in named:
            whole.add(f"name {name}", count)
            truth[f"name {name}"] += count
        chance.shuffle(named)
        pieces = [Tally() for _ in range(parts)]
        for name, count in named:
            chance.choice(pieces).add(f"name {name}", count)

        def joined(first: Tally, second: Tally) -> Tally:
            first.merge(second)
            return first

        merged = reduce(joined, pieces)
    assert merged == whole
    assert len(whole.counts) == min(10, len(truth))
    assert all(truth[name] == count for name, count in whole.counts.items())
    assert whole.total == truth.total()


# -- bounds --------------------------------------------------------------------------------------------


def test_memory_is_bounded_whatever_the_rows_hold() -> None:
    seen = Summary()
    for number in range(3 * CAPACITY):
        seen.add(Example([Message("user", "x" * number)], meta={"category": f"{number} 类别 " * 50}), "chatml")
    assert len(seen.categories.counts) == CAPACITY
    assert seen.categories.others == 2 * CAPACITY
    assert all(len(name) <= 80 for name in seen.categories.counts)
    assert len(msgspec.msgpack.encode(seen)) < 250_000
    assert len(msgspec.msgpack.encode(summary(*[row("question", "answer")] * 1000))) < 3_000


def test_the_largest_names_come_first() -> None:
    seen = Tally()
    for name in ("b", "a", "c", "c"):
        seen.add(name)
    assert seen.largest(2) == [("c", 2), ("a", 1)]


def test_adding_a_row_is_fast() -> None:
    example = row("x" * 200, "y" * 280, system="z" * 20)
    seen = Summary()
    best = min(timeit.repeat(lambda: seen.add(example, "chatml"), number=2_000, repeat=20)) / 2_000
    assert best < 12e-6  # 1.6 microseconds by itself; the limit allows for a busy machine
