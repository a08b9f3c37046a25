"""Verdicts held to the exact similarities of all pairs, as `benchmarks/dedup_truth.py` does it on 20,000 rows."""

from itertools import combinations
from pathlib import Path

import pytest

from benchmarks import corpus
from benchmarks.dedup_truth import LEAST_RECALL, THRESHOLDS, Trial, Truth, document, normal, planted_rows, shingles

ROWS = 600


@pytest.fixture(scope="module", params=["public datasets", "examples"])
def trial(request: pytest.FixtureRequest) -> Trial:
    if request.param == "public datasets":
        return Trial(planted_rows(ROWS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "SHARED", Path("nowhere"))
        return Trial(planted_rows(ROWS))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_what_is_removed_is_as_alike_as_stated_and_no_pair_is_left(
    trial: Trial, threshold: float, tmp_path: Path
) -> None:
    score = trial.score(threshold, tmp_path)
    assert score.pairs.total() >= 5
    assert score.removed.total() >= 5
    assert score.precision == 1
    assert score.recall >= LEAST_RECALL
    assert score.candidate_recall >= LEAST_RECALL


def test_the_truth_misses_no_pair() -> None:
    documents = [document(row) for row in planted_rows(150)]
    truth = Truth(documents)
    every_pair = {pair: truth.similarity(*pair) for pair in combinations(range(len(documents)), 2)}
    for threshold in THRESHOLDS:
        alike = {pair: similarity for pair, similarity in every_pair.items() if similarity >= threshold}
        assert alike
        assert truth.pairs(threshold) == alike


def test_the_truth_is_what_the_definition_says() -> None:
    assert normal("  Ｆull\u3000width,\n ﬁne ") == "full width, fine"
    assert shingles("abcdef") == {"abcde", "bcdef"}
    assert shingles("我是学生") == {"我是学", "是学生"}
    assert shingles("abc") == {"abc"}
    assert shingles("") == set()
    system = {"role": "system", "content": "Be brief."}
    row = corpus.chatml("What is the capital of France?", "It is Paris, on the river Seine.")
    other = corpus.chatml("What is the capital of France?", "It is Paris, on the river Oise.")
    guarded = {"messages": [system, *row["messages"]]}
    truth = Truth([document(each) for each in (row, other, guarded)])
    assert truth.similarity(0, 1) == pytest.approx(22 / 33)
    assert truth.similarity(0, 2) == 0
