"""The page about a deduplication: what it says is what the result says."""

from pathlib import Path

from dsforge.dedup.page import write_page
from dsforge.dedup.result import Contradiction, DedupResult, Place, Removed, Shown
from dsforge.dedup.run import dedup
from dsforge.report.document import MAX_BYTES
from tests.dedup.rows import LONG, alpaca, write
from tests.report.parsed import Parsed, assert_inert

NEAR = LONG.replace("word30", "other")
OPTIONS = {"on": "conversation", "threshold": 0.8, "keep": "first", "shingles": "characters"}


def page_of(folder: Path, sources: list[str], result: DedupResult, **more: object) -> str:
    write_page(folder / "page.html", sources, result, **{**OPTIONS, **more})  # type: ignore[arg-type]
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_counts_are_those_of_the_run(tmp_path: Path) -> None:
    held = write(tmp_path / "old.jsonl", [alpaca("held", "already")])
    first = write(tmp_path / "a.jsonl", [alpaca("q", LONG), alpaca("held", "already"), alpaca("x", "y")])
    second = write(tmp_path / "b.jsonl", [alpaca("Q", NEAR), alpaca("q", LONG), alpaca("x", "<script>z")])
    sources = [str(first), str(second)]
    result = dedup(sources, tmp_path / "out.jsonl", against=[str(held)], show=20)
    page = page_of(tmp_path, sources, result, against=[str(held)])
    assert_inert(page)
    said = Parsed(page).text("li", "b", "span", "td", "th", "title")
    for part in (
        "6 rows in2 files", "3 kept50.0%", "1 exact copies16.7%", "1 near-duplicates16.7%", "1 held already16.7%",
        "0 contradictory1 found", "0 rejected", "2 clustersup to 3 rows", f"{second}2 rows{first}11",
        f"{first}1 row{held}10", f"{first}:111{result.shown[0].title[:4]}",
        "one question has several answers120", f"dsforge dedup: {first} and 1 more",
    ):  # fmt: skip
        assert part in said
    assert '<mark class="right">other</mark>' in page
    assert "&lt;script&gt;z" in page
    assert "1 rows" not in said


def test_the_options_stand_there(tmp_path: Path) -> None:
    result = DedupResult(rows_in=1, rows_out=1, rows_rejected=0, threshold=0.8, notices=["a notice"])
    usual = Parsed(page_of(tmp_path, ["a.jsonl"], result)).text("dt", "code", "dd")
    for part in ("--onconversation", "--thresholdsimilarity 0.8", "--normalisenfkc, case, space",
                 "--shinglescharacters", "--keepfirst", "told, not removed", "a notice"):  # fmt: skip
        assert part in usual
    assert not any(option in usual for option in ("--index", "--semantic", "--exact"))
    meant = Parsed(page_of(tmp_path, ["a.jsonl"], result, semantic="minilm")).text("dt", "code", "dd")
    assert "--thresholdcosine 0.8" in meant
    assert "--semanticminilm" in meant
    assert "--shingles" not in meant
    page = page_of(tmp_path, ["a.jsonl"], result, exact=True, normalise=(), drop_contradictions=True, index="known")
    other = Parsed(page).text("dt", "code", "dd")
    for part in ("--exactnot looked for", "none: every character counts", "--drop-contradictionsremoved",
                 "--indexknown"):  # fmt: skip
        assert part in other


def test_five_thousand_clusters_fit(tmp_path: Path) -> None:
    removed = [
        Removed(
            "a.jsonl", 2 * number, 2 * number, "a.jsonl", 2 * number - 1, 2 * number - 1, 0.8 + number / 25_000, False
        )
        for number in range(1, 5_001)
    ]
    place = Place("a.jsonl", 1, 1)
    shown = Shown("0.90 alike", place, place, [("changed", "one " * 200, "other " * 200)])  # type: ignore[list-item]
    result = DedupResult(
        rows_in=10_000, rows_out=5_000, rows_rejected=0, threshold=0.8, removed=removed, shown=[shown] * 5_000,
        contradictions=[Contradiction("answers", [place, place])] * 5_000, shown_contradictions=[shown] * 5_000,
    )  # fmt: skip
    page = page_of(tmp_path, ["a.jsonl"], result)
    assert len(page.encode()) <= MAX_BYTES
    said = Parsed(page).text()
    assert "20 of 5,000 clusters, with the rows removed for each." in said
    assert "5,000 of 5,000 clusters are of two rows." in said
    assert "0.98 to 1.00: 501" in said
    assert "one question has several answers5,00010,0000" in said
