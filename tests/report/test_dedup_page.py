"""The page about a deduplication: well-formed, inert whatever the rows hold, bounded, and right in what it counts."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.report.dedup_page import dedup_page
from dsforge.report.dedup_report import Cluster, Disagreement, Origin, Pair, similarity_edges, similarity_steps
from dsforge.report.document import MAX_BYTES
from dsforge.report.histogram import empty
from tests.report.pages import HOSTILE, dedup_report, hostile_dedup_page
from tests.report.parsed import Parsed, assert_admits, assert_inert


def cells(page: str) -> list[list[str]]:
    """The texts of the rows of all tables."""
    rows = re.findall("<tr>(.*?)</tr>", page, re.DOTALL)
    return [[Parsed(cell).text() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


# -- safety --------------------------------------------------------------------------------------------


def test_the_page_holds_its_own_elements_and_nothing_that_acts() -> None:
    parsed = assert_inert(hostile_dedup_page())
    assert (len(parsed.all("script")), len(parsed.all("style"))) == (0, 1)
    assert_admits(hostile_dedup_page(), "style")
    assert not re.search(r"url\(|@import|//", dedup_page("Report", dedup_report()))


def test_every_hostile_text_is_there_as_text() -> None:
    page = hostile_dedup_page()
    page.encode()  # half a character would not be written
    shown = Parsed(page).text("pre", "mark", "span")
    for text in HOSTILE:
        if text.isprintable():
            assert shown.count(text) >= 6
    assert "\\u202etxt.exe too" in shown
    assert "\\x00\\x1b[31m too" in shown
    assert "half \\ud83d too" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(max_examples=60)
@given(ANYTHING, ANYTHING, st.sampled_from(["same", "changed", "cut"]))
def test_any_text_gives_a_well_formed_page(left: str, right: str, kind: str) -> None:
    page = dedup_page(left, dedup_report(shown=[Pair(left, left, right, [(kind, left, right)])], notices=[right]))
    page.encode()
    assert_inert(page)


# -- what is on it -------------------------------------------------------------------------------------


def test_the_counts_stand_above_with_their_shares() -> None:
    parsed = Parsed(dedup_page("Report", dedup_report()))
    said = re.sub(r"\s+", " ", parsed.text("li", "b", "span"))
    for part in (
        "11 rows in2 files", "6 kept54.5%", "1 exact copies9.1%", "1 near-duplicates9.1%", "1 held already9.1%",
        "1 contradictory9.1%", "1 rejected9.1%", "2 clustersup to 3 rows",
    ):  # fmt: skip
        assert part in said


@pytest.mark.parametrize(
    ("rows_in", "exact", "share"), [(10_000, 1, "<0.1%"), (10_000, 9_999, ">99.9%"), (7, 7, "100%")]
)
def test_a_share_is_never_rounded_to_nothing_or_all(rows_in: int, exact: int, share: str) -> None:
    parsed = Parsed(dedup_page("Report", dedup_report(rows_in=rows_in, exact=exact)))
    assert f"exact copies{share}" in parsed.text("li", "b", "span")


def test_contradictions_that_were_only_told_are_counted_too() -> None:
    page = dedup_page("Report", dedup_report(contradictory=0, disagreements=[Disagreement("both", 12, 30, 0)]))
    assert "0 contradictory12 found" in Parsed(page).text("li", "b", "span")
    assert ["both", "12", "30", "0"] in cells(page)


def test_the_tables_tell_where_duplicates_come_from() -> None:
    page = dedup_page("Report", dedup_report())
    assert cells(page) == [
        ["Removed from", "Kept instead in", "Exact", "Near"],
        ["b.jsonl3 rows", "a.jsonl", "1", "1"],
        ["old.jsonl", "1", "0"],
        ["Row that is kept", "Exact", "Near", "Least alike"],
        ["a.jsonl:1", "1", "1", "0.93"],
        ["old.jsonl:5", "1", "0", "1.00"],
        ["Kept rows that ask the same", "Found", "Rows", "Removed"],
        ["one question has several answers", "1", "2", "1"],
    ]
    heads = Parsed(page).all("th")
    assert all("scope" in head for head in heads)


def test_many_files_are_summed_up() -> None:
    origins = [Origin(f"{file:02}", f"{kept:02}", 1, 2) for file in range(30) for kept in range(file + 1)]
    said = cells(dedup_page("Report", dedup_report(origins=origins)))
    assert said[1] == ["2990 rows", "00", "1", "2"]
    assert said[4] == ["27 other files", "27", "54"]
    assert "and 165 rows of 10 files more" in dedup_page("Report", dedup_report(origins=origins))
    few = cells(dedup_page("Report", dedup_report(origins=origins[6:10])))
    assert [row[-3] for row in few[1:5]] == ["00", "01", "02", "the same file"]


def test_what_differs_is_marked_on_each_side() -> None:
    page = dedup_page("Report", dedup_report())
    cut = '<span class="cut"> ... </span>'
    left = f'user: the <mark class="left">red</mark> house{cut}<mark class="left missing"></mark>'
    right = f'user: the <mark class="right">blue</mark> house{cut} <mark class="right">indeed</mark>'
    assert page.count(left) == page.count(right) == 2
    assert "0.93 alike 3 rows in all" in Parsed(page).text("h4", "span")
    labels = [each["aria-label"] for each in Parsed(page).all("div") if each.get("role") == "group"]
    assert labels == ["kept a.jsonl:1", "removed b.jsonl:7", "a.jsonl:1", "b.jsonl:7"]


def test_what_was_chosen_makes_it_reproducible() -> None:
    said = Parsed(dedup_page("Report", dedup_report(notices=["a caution"]))).text("dt", "dd", "code", "li", "span")
    for part in ("a.jsonl 1.5 kB", "b.jsonl 2.0 MB", "old.jsonl 12 bytes", "--onconversation", "Notea caution"):
        assert part in said.replace("What has to be alike ", "")


def test_links_and_labels_lead_somewhere() -> None:
    parsed = Parsed(dedup_page("Report", dedup_report()))
    ids = [attributes["id"] or "" for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((each["href"] or "").removeprefix("#") in ids for each in parsed.all("a"))
    labelled = [each["aria-labelledby"] or "" for each in parsed.all("svg")]
    assert len(labelled) == 3
    assert all(part in ids for names in labelled for part in names.split())


def test_a_dataset_without_duplicates_and_one_without_rows() -> None:
    nothing = {
        "exact": 0, "near": 0, "against": 0, "contradictory": 0, "rejected": 0, "clusters": 0, "similarities": [0] * 10,
        "sizes": empty(), "origins": [], "largest": [], "disagreements": [], "shown": [], "shown_contradictions": [],
    }  # fmt: skip
    for rows in (0, 5):
        page = dedup_page("Report", dedup_report(rows_in=rows, rows_out=rows, **nothing))
        parsed = assert_inert(page)
        assert len(parsed.all("svg")) == 1
        said = parsed.text("p")
        assert "No duplicates were found in any file." in said
        assert "No two rows are alike." in said
        assert "No rows ask the same and contradict one another." in said


# -- similarities --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "edges"),
    [(0.8, 11), (0.85, 9), (0.3, 36), (0.99, 2), (1.0, 2), (0.9, 6)],
)
def test_the_bars_of_similarities_go_from_the_threshold_to_one(threshold: float, edges: int) -> None:
    found = similarity_edges(threshold)
    assert (len(found), found[0], found[-1]) == (edges, threshold, 1.0)
    assert all(0 < high - low < 0.0201 for low, high in pairwise(found)) or threshold == 1


@given(st.floats(0.3, 1), st.lists(st.floats(0, 1)))
def test_every_similarity_falls_in_the_bar_that_holds_it(threshold: float, shares: list[float]) -> None:
    edges = similarity_edges(threshold)
    similarities = [threshold + share * (1 - threshold) for share in shares]
    counts = similarity_steps(similarities, threshold)
    assert (sum(counts), len(counts)) == (len(similarities), len(edges) - 1)
    for similarity in similarities:
        (bar,) = [at for at, count in enumerate(similarity_steps([similarity], threshold)) if count]
        assert edges[bar] - 1e-6 <= similarity <= edges[bar + 1] + 1e-6


def test_similarities_at_the_edges() -> None:
    assert similarity_steps([0.8, 0.82, 0.84, 0.98, 1.0], 0.8) == [1, 1, 1, 0, 0, 0, 0, 0, 0, 2]


# -- the bound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["plain text ", "<&>'\"", "\x00\u202e\U000e0041", "你好😀"])
def test_no_input_makes_the_page_too_large(text: str) -> None:
    long = text * 1000
    stretches = [(kind, long, long) for kind in ("same", "changed", "cut")] * 50
    report = dedup_report(
        rows_in=10**12, origins=[Origin(f"{file}{long}", f"{kept}{long}", 1, 1) for file in range(50)
                                 for kept in range(50)],
        largest=[Cluster(long, 1, 1, 0.9)] * 20, sources=[(long, 10**12)] * 5000, others=[(long, 10**12)] * 5000,
        notices=[long] * 500, shown=[Pair(long, long, long, stretches, 9)] * 5000,
        shown_contradictions=[Pair(long, long, long, stretches, 9)] * 5000,
    )  # fmt: skip
    started = time.perf_counter()
    page = dedup_page(long, report)
    assert time.perf_counter() - started < 10
    assert len(page.encode()) <= MAX_BYTES
    parsed = Parsed(page)
    assert sum(each.get("class") == "pair" for each in parsed.all("li")) > 10
    assert re.search(r"\d+ of 2 clusters, those with near-duplicates first", parsed.text("p"))


def test_pairs_take_the_room_that_there_is() -> None:
    pair = Pair("0.90 alike", "a.jsonl:1", "a.jsonl:2", [("changed", "word " * 100, "other " * 100)])
    page = dedup_page("Report", dedup_report(clusters=5000, shown=[pair] * 5000, shown_contradictions=[pair] * 5000))
    assert 0.95 * MAX_BYTES < len(page.encode()) <= MAX_BYTES
    parsed = Parsed(page)
    of_clusters, of_contradictions = (
        int(re.findall(pattern, parsed.text("p"))[0])
        for pattern in (r"(\d+) of 5,000 clusters, those with near-duplicates first", r"The first (\d+):")
    )
    assert of_clusters > of_contradictions > 20
    assert of_clusters + of_contradictions == sum(each.get("class") == "pair" for each in parsed.all("li"))
