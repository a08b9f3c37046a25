"""The clusters as a table, and side by side."""

from pathlib import Path

import pytest

from dsforge.dedup.result import Place
from dsforge.errors import UsageError
from tests.dedup.rows import LONG, alpaca, read, run

NEAR = LONG.replace("word30", "other")
ROWS = [alpaca("x", "y"), alpaca("q", LONG), alpaca("x", "Y"), alpaca("Q", NEAR), alpaca("z", "z"), alpaca("q", LONG)]


def test_every_row_of_every_cluster_stands_there_once(tmp_path: Path) -> None:
    result, _ = run(ROWS, tmp_path, clusters=tmp_path / "c.jsonl")
    members = read(tmp_path / "c.jsonl")
    assert [(member["cluster"], member["row"], member["kept"], member["exact"]) for member in members] == [
        (1, 1, True, False), (1, 3, False, True), (2, 2, True, False), (2, 4, False, False), (2, 6, False, True),
    ]  # fmt: skip
    assert result.clusters == 2
    near = members[3]
    assert near["only_here"] == ["other"]
    assert near["only_in_kept"] == ["word30"]
    assert 0.8 <= float(str(near["similarity"])) < 1


def test_a_table_says_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run(ROWS, tmp_path, clusters=tmp_path / "c.jsonl")
    run(ROWS, tmp_path, clusters=tmp_path / "c.parquet")
    assert parquet.read_table(tmp_path / "c.parquet").to_pylist() == read(tmp_path / "c.jsonl")


def test_a_file_of_clusters_that_cannot_be_written_stops_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not written"):
        run(ROWS, tmp_path, clusters=tmp_path / "c.xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_clusters_with_near_duplicates_are_shown_first(tmp_path: Path) -> None:
    result, _ = run(ROWS, tmp_path, show=2)
    near, copy = result.shown
    source = str(tmp_path / "in.jsonl")
    assert (near.left, near.right, near.rows) == (Place(source, 2, 2), Place(source, 4, 4), 3)
    assert near.title.endswith("alike")
    (changed,) = (stretch for stretch in near.stretches if stretch.kind == "changed")
    assert (changed.left.strip(), changed.right.strip()) == ("word30", "other")
    assert (copy.title, copy.rows) == ("exact copy", 2)
    assert run(ROWS, tmp_path, show=1)[0].shown == [near]
    assert run(ROWS, tmp_path)[0].shown == []
