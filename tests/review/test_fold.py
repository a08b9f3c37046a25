"""What was done to a row folds to what the row is, whatever was undone and redone on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.review.apply import UnfitError, applied
from dsforge.review.decision import (
    Accept,
    Adopt,
    Categorise,
    Comment,
    Delete,
    Edit,
    Insert,
    Prefer,
    Rank,
    Redo,
    Reject,
    Rewrite,
    Score,
    Split,
    Undo,
)
from dsforge.review.record import fold, in_effect, reviewed, settled
from dsforge.review.state import Original, RowState, status_after, untouched
from tests.review.rows import BROKEN, PAIR, SFT, decision, original


def after(*actions: Any, row: Any = SFT) -> RowState:
    return fold(original(row), [decision(action) for action in actions])


def texts(state: RowState) -> list[str]:
    assert state.outcome is not None
    return [message.text for message in state.outcome.all_messages()]


def test_a_row_that_nothing_was_done_to_is_that_of_the_source() -> None:
    state = after()
    assert (state.status, state.example, state.origins) == ("new", original().example, (0, 1, 2))
    assert state.written() == original().raw
    assert not state.is_changed


def test_a_verdict_leaves_the_bytes_as_they_are() -> None:
    assert after(Accept()).written() == original().raw
    assert after(Reject("wrong")).reason == "wrong"


def test_what_is_changed_after_a_rejection_waits_for_a_verdict_again() -> None:
    assert after(Reject("wrong"), Edit(2, "4")).status == "open"
    assert after(Accept(), Edit(2, "4")).status == "accepted"


def test_turns_are_edited_written_split_and_deleted() -> None:
    state = after(Edit(2, "Four. It is 4."), Split(2, 6, "user"), Insert(3, "assistant", "Right."), Delete(0))
    assert texts(state) == ["What is 2+2?", "Four.", "It is 4.", "Right."]
    assert state.origins == (1, 2, None, None)
    assert state.raw is None


def test_the_category_goes_into_the_metadata() -> None:
    state = after(Categorise("sums"))
    assert state.example is not None
    assert state.example.meta["category"] == "sums"
    taken = after(Categorise("")).example
    assert taken is not None
    assert "category" not in taken.meta


def test_scores_and_remarks_are_kept() -> None:
    state = after(Score({"clear": 3}), Comment("hm"), Score({"clear": 4, "right": 5}))
    assert (state.scores, state.comments, state.status) == ({"clear": 4, "right": 5}, ("hm",), "open")


@pytest.mark.parametrize(
    ("choice", "status", "first"),
    [
        ("chosen", "accepted", "11"),
        ("rejected", "accepted", "12"),
        ("tie", "removed", "11"),
        ("both bad", "rejected", "11"),
    ],
)
def test_a_choice_says_which_answer_is_written_as_chosen(choice: Any, status: str, first: str) -> None:
    state = after(Prefer(choice), row=PAIR)
    assert state.status == status
    assert state.outcome is not None
    assert state.outcome.chosen is not None
    assert state.outcome.chosen[0].text == first


def test_answers_keep_their_names_until_the_row_is_written() -> None:
    state = after(Prefer("rejected"), Edit(2, "twelve"), row=PAIR)  # the rejected answer of the source
    assert texts(state) == ["Name a prime.", "twelve", "11"]


def test_a_ranking_puts_the_best_first() -> None:
    row = original(PAIR)
    assert row.example is not None
    ranked = Original(
        1,
        1,
        "key-1",
        row.raw,
        row.format,
        type(row.example)(
            row.example.messages,
            chosen=row.example.chosen,
            rejected=row.example.rejected,
            between=[[type(row.example.messages[0])("assistant", "13")]],
        ),
    )
    state = fold(ranked, [decision(Rank([1, 0, 2]))])
    assert texts(state) == ["Name a prime.", "13", "12", "11"]


def test_a_row_that_cannot_be_read_is_mended_as_text() -> None:
    assert after(row=BROKEN).example is None
    state = after(Rewrite(BROKEN.decode().replace("} {", "}, {")), Edit(1, "Yes"), row=BROKEN)
    assert texts(state) == ["No comma", "Yes"]


@pytest.mark.parametrize(
    "action", [Edit(9, ""), Delete(-1), Split(2, 0, "user"), Split(2, 8, "user"), Prefer("tie"), Insert(7, "user", "")]
)
def test_what_does_not_fit_is_told_and_changes_nothing(action: Any) -> None:
    with pytest.raises(UnfitError):
        applied(untouched(original()), action)
    state = after(action, Accept())
    assert [said for _, said in state.unfit] != []
    assert state.written() == original().raw


def test_undo_takes_the_last_back_and_redo_brings_it_again() -> None:
    assert after(Accept(), Undo()).status == "new"
    assert after(Accept(), Undo(), Redo()).status == "accepted"
    assert after(Accept(), Undo(), Reject("x"), Redo()).status == "rejected"  # another was made since
    assert after(Undo(), Redo(), Accept()).status == "accepted"


ACTIONS = st.one_of(
    st.builds(Accept),
    st.builds(Reject, st.text(max_size=5)),
    st.builds(Edit, st.integers(-1, 4), st.text(max_size=5)),
    st.builds(Insert, st.integers(-1, 4), st.sampled_from(["user", "assistant"]), st.text(max_size=5)),
    st.builds(Delete, st.integers(-1, 4)),
    st.builds(Split, st.integers(0, 4), st.integers(0, 9), st.just("user")),
    st.builds(Categorise, st.text(max_size=5)),
    st.builds(Comment, st.text(max_size=5)),
    st.builds(Score, st.dictionaries(st.sampled_from("ab"), st.integers(1, 5))),
    st.builds(Prefer, st.sampled_from(["chosen", "rejected", "tie", "both bad"])),
    st.builds(Undo),
    st.builds(Redo),
)


@given(st.lists(ACTIONS, max_size=25), st.sampled_from([SFT, PAIR, BROKEN]))
def test_any_sequence_folds_to_what_counts_of_it(actions: list[Any], row: Any) -> None:
    """A model of its own: a pointer into a list of what was done, as in any editor."""
    history: list[Any] = []
    at = 0
    for action in actions:
        if isinstance(action, Undo):
            at = max(0, at - 1)
        elif isinstance(action, Redo):
            at = min(len(history), at + 1)
        else:
            history[at:] = [action]
            at += 1
    source = original(row)
    state = fold(source, [decision(action) for action in actions])
    assert [each.action for each in state.done] == history[:at]
    assert [each.action for each in reversed(state.undone)] == history[at:]
    step_by_step = untouched(source)
    for action in history[:at]:
        try:
            step_by_step = applied(step_by_step, action)
        except UnfitError:
            continue
    assert (state.status, state.example, state.raw) == (step_by_step.status, step_by_step.example, step_by_step.raw)
    if state.example is not None:
        assert len(state.origins) == len(state.example.all_messages())


@given(st.lists(ACTIONS, max_size=15))
def test_undoing_everything_gives_the_source_back(actions: list[Any]) -> None:
    decisions = [decision(action) for action in actions]
    state = fold(original(), [*decisions, *(decision(Undo()) for _ in actions)])
    assert (state.status, state.raw, state.example) == ("new", original().raw, original().example)


@given(st.lists(ACTIONS, max_size=15))
def test_the_status_is_told_without_the_row(actions: list[Any]) -> None:
    state = fold(original(), [decision(action) for action in actions])
    if state.unfit:
        return
    status: Any = "new"
    for each in in_effect([decision(action) for action in actions])[0]:
        status = status_after(status, each.action)
    assert status == state.status


class TestSeveralAnnotators:
    def test_one_is_enough(self) -> None:
        assert settled(original(), [decision(Accept(), "ana")]).status == "accepted"

    def test_those_who_agree_settle_it(self) -> None:
        assert settled(original(), [decision(Accept(), "ana"), decision(Accept(), "bo")]).status == "accepted"
        assert settled(original(), [decision(Reject("a")), decision(Reject("b"), "bo")]).status == "rejected"

    def test_another_verdict_or_another_text_is_a_dispute(self) -> None:
        assert settled(original(), [decision(Accept(), "ana"), decision(Reject(), "bo")]).status == "disputed"
        edited = [decision(Edit(2, "4"), "bo"), decision(Accept(), "bo")]
        assert settled(original(), [decision(Accept(), "ana"), *edited]).status == "disputed"

    def test_who_settles_outweighs_them(self) -> None:
        theirs = [decision(Accept(), "ana", 1), decision(Edit(2, "Four"), "bo", 2), decision(Accept(), "bo", 3)]
        state = settled(original(), [*theirs, decision(Adopt("bo", 3), "cy", 4, final=True)])
        assert state.status == "accepted"
        assert texts(state)[-1] == "Four"

    def test_what_is_adopted_is_as_it_was_then(self) -> None:
        theirs = [decision(Accept(), "ana", 1), decision(Reject(), "bo", 2)]
        adopted = decision(Adopt("ana", 1), "cy", 3, final=True)
        assert settled(original(), [*theirs, adopted, decision(Reject(), "ana", 4)]).status == "accepted"

    def test_everyone_is_told_apart(self) -> None:
        row = reviewed(original(), [decision(Accept(), "ana"), decision(Reject("no"), "bo")])
        assert {name: state.status for name, state in row.states.items()} == {"ana": "accepted", "bo": "rejected"}
