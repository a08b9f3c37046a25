"""The result of a review: every row is counted once, and says what was done to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.errors import UsageError
from dsforge.review.decision import Accept, Decision, Delete, Edit, Prefer, Rank, Reject, Rewrite
from dsforge.review.export import ExportResult, export
from dsforge.review.review import Review
from tests.review.rows import BROKEN, PAIR, SFT, write
from tests.review.test_fold import ACTIONS

ROWS = [SFT, PAIR, BROKEN, {**SFT, "category": "sums"}, {"foo": 1}]


def done(review: Review, row: int, *actions: Any, by: str = "ana") -> None:
    last = len(review.journal.since())
    review.add(
        Decision(row, review.source.key(row), by, 1_800_000_000.0, action, f"{by}-{last}-{at}")
        for at, action in enumerate(actions)
    )


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def review(tmp_path: Path) -> Any:
    with Review(write(tmp_path / "data.jsonl", ROWS)) as found:
        yield found


def test_rows_that_nobody_looked_at_keep_their_bytes(review: Review, tmp_path: Path) -> None:
    result = export(review, tmp_path / "out.jsonl")
    source = Path(review.path).read_bytes().splitlines()
    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == [source[0], source[1], source[3]]
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (5, 3, 2)  # two cannot be read
    assert result.statuses == {"new": 5}


def test_a_row_says_who_did_what_when_and_from_what(review: Review, tmp_path: Path) -> None:
    done(review, 1, Edit(2, "Four."), Accept())
    result = export(review, tmp_path / "out.jsonl")
    first = read(tmp_path / "out.jsonl")[0]
    assert first["messages"][2]["content"] == "Four."
    trail = first["review"] if "review" in first else first["meta"]["review"]
    assert trail["status"] == "accepted"
    assert trail["decisions"] == [
        {"by": "ana", "at": "2027-01-15T08:00:00Z", "did": "edited message 3"},
        {"by": "ana", "at": "2027-01-15T08:00:00Z", "did": "accepted"},
    ]
    assert trail["from"] == {"file": "data.jsonl", "row": 1, "key": review.source.key(1)}
    assert (result.changed, result.untraced) == (1, 0)


def test_without_its_trail_an_accepted_row_is_as_it_was(review: Review, tmp_path: Path) -> None:
    done(review, 1, Accept())
    export(review, tmp_path / "out.jsonl", strip_meta=True)
    assert (tmp_path / "out.jsonl").read_bytes().splitlines()[0] == orjson.dumps(SFT)


def test_rejected_rows_go_to_a_file_of_their_own(review: Review, tmp_path: Path) -> None:
    done(review, 1, Reject("wrong"))
    result = export(review, tmp_path / "out.jsonl")
    entry = read(tmp_path / "out.rejects.jsonl")[0]
    assert (entry["row"], entry["code"], entry["reason"], entry["raw"]) == (
        1,
        "rejected",
        "wrong",
        orjson.dumps(SFT).decode(),
    )
    assert result.reasons["wrong"] == 1


def test_a_tie_is_removed_and_a_better_answer_is_chosen(review: Review, tmp_path: Path) -> None:
    done(review, 2, Prefer("tie"))
    assert export(review, tmp_path / "out.jsonl").removed == {"tie": 1}
    done(review, 2, Prefer("rejected"))
    export(review, tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl")[1]["chosen"][0]["content"] == "12"


def test_a_row_mended_as_text_is_written(review: Review, tmp_path: Path) -> None:
    done(review, 3, Rewrite(BROKEN.decode().replace("} {", "}, {")), Accept())
    assert export(review, tmp_path / "out.jsonl").rows_out == 4


def test_only_reviewed_leaves_the_others_out_and_counts_them(review: Review, tmp_path: Path) -> None:
    done(review, 1, Accept())
    result = export(review, tmp_path / "out.jsonl", only_reviewed=True)
    assert (result.rows_out, result.removed) == (1, {"not reviewed": 4})


def test_disputed_rows_are_held_back(review: Review, tmp_path: Path) -> None:
    done(review, 1, Accept())
    done(review, 1, Reject("no"), by="bo")
    result = export(review, tmp_path / "out.jsonl")
    assert result.reasons["annotators disagree"] == 1


def test_the_source_is_no_output(review: Review) -> None:
    with pytest.raises(UsageError, match="also an input"):
        export(review, review.path)


def test_what_the_format_cannot_hold_is_rejected_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"instruction": "a", "output": "b"}])
    with Review(path) as review:
        done(review, 1, Delete(1), Accept())
        result = export(review, tmp_path / "out.jsonl")
    assert result.rows_in == result.rows_out + result.rows_rejected


def counted(result: ExportResult) -> int:
    return result.rows_out + result.rows_rejected + sum(result.removed.values())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), ACTIONS, st.sampled_from(["ana", "bo"])), max_size=25),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_done_every_row_is_counted_once(steps: list[Any], only_reviewed: bool, strip: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, Review(write(Path(folder) / "data.jsonl", ROWS)) as review:
        for row, action, by in steps:
            done(review, row, action, by=by)
        output = Path(folder) / "out.jsonl"
        result = export(review, output, only_reviewed=only_reviewed, strip_meta=strip)
        assert result.rows_in == len(ROWS) == counted(result) == sum(result.statuses.values())
        assert len(output.read_bytes().splitlines()) == result.rows_out
        assert sum(result.reasons.values()) == result.rows_rejected
        for row in read(output):
            assert isinstance(row, dict)


def test_scores_that_a_person_overrules_do_not_gainsay_them(tmp_path: Path) -> None:
    answers = [
        {"response": text, "overall_score": score, "model": text}
        for text, score in (("11", 9.0), ("13", 7.0), ("12", 2.0))
    ]
    ask, say = {"role": "user", "content": "Name a prime"}, {"role": "assistant", "content": "11"}
    pair = {
        "prompt": "Name a prime",
        "chosen": [ask, say],
        "rejected": [ask, {**say, "content": "13"}],
        "score_chosen": 9.0,
        "score_rejected": 7.0,
    }
    path = write(tmp_path / "data.jsonl", [{"instruction": "Name a prime", "completions": answers}, pair])
    with Review(path) as review:
        done(review, 1, Rank([1, 2, 0]))
        done(review, 2, Prefer("rejected"))
        result = export(review, tmp_path / "out.jsonl")
        assert (result.rows_out, result.untraced) == (2, 0)
    ranked, chosen = read(tmp_path / "out.jsonl")
    assert [each["response"] for each in ranked["completions"]] == ["13", "12", "11"]
    assert ranked["completions"][0]["overall_score_before_review"] == 7.0
    assert (chosen["chosen"][1]["content"], chosen["score_chosen"], chosen["score_rejected"]) == ("13", 7.0, 9.0)
