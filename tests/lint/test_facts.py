"""The columns of facts: they take little room, pass from one process to another, and keep what they are given."""

from __future__ import annotations

from array import array

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dsforge.lint.facts import Facts, Texts, pack, unpack

TEXT = st.text(st.characters(codec=None) | st.sampled_from("\ud800好a"), max_size=5)


def _column(texts: list[str]) -> Texts:
    column = Texts()
    for text in texts:
        column.append(text)
    return column


@given(st.lists(TEXT), st.lists(TEXT))
def test_texts_are_kept(first: list[str], second: list[str]) -> None:
    column = _column(first)
    column.extend(_column(second))
    together = first + second
    assert (list(column), len(column)) == (together, len(together))
    assert [column[index] for index in range(len(column))] == together


def test_facts_pass_from_process_to_process() -> None:
    facts = Facts(path=["a"], row=array("Q", [2**40]), key=array("Q", [2**64 - 1]), opening=_column(["好\ud800"]))
    passed = msgspec.msgpack.decode(msgspec.msgpack.encode(facts, enc_hook=pack), type=Facts, dec_hook=unpack)
    assert (passed.row, passed.key, list(passed.opening)) == (facts.row, facts.key, ["好\ud800"])
    facts.extend(passed, 5, 7)
    assert list(facts.row) == [2**40, 2**40 + 5]
    assert list(facts.key) == [2**64 - 1] * 2
    assert list(facts.opening) == ["好\ud800"] * 2


def test_rows_that_share_a_value() -> None:
    facts = Facts()
    assert list(facts.repeated(array("Q", [3, 1, 3, 2, 1]))) == [(0, 3), (1, 1), (2, 3), (4, 1)]
    assert list(facts.repeated(array("Q", [3, 1, 2]))) == []
