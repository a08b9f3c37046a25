"""A dataset before and after augment: figures checked by hand, and the page that shows them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.augment import compare as compare_module
from dsforge.augment.compare import compare
from dsforge.augment.distinct import Words, distinct, sampled, words_of
from dsforge.augment.method import get_method
from dsforge.augment.page import check_page, write_page
from dsforge.augment.result import AugmentResult, Failure
from dsforge.augment.wish import Wish
from dsforge.errors import UsageError
from dsforge.report.augment_page import augment_page
from dsforge.report.augment_report import AugmentReport, Clusters
from dsforge.report.document import MAX_BYTES
from dsforge.report.evenness import effective_number
from dsforge.report.histogram import bin_of
from tests.augment.faulty_server import echo, serving
from tests.augment.test_run import run, seeds
from tests.report.augment_pages import hostile_augment_page, page_report, row_set
from tests.report.pages import HOSTILE
from tests.report.parsed import Parsed, assert_admits, assert_inert

WISH = Wish("paraphrase", "m")

# -- distinct-n ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(), (1,), (1, 2), (2,)])
def test_distinct_n_by_hand(cuts: tuple[int, ...]) -> None:
    texts = ["the cat sat", "The  cat ran", "猫坐"]  # the cat sat the cat ran 猫 坐
    ends = [0, *cuts, len(texts)]
    batches = [words_of(texts[low:high]) for low, high in pairwise(ends)]
    assert distinct(batches, 1) == 6 / 8
    assert distinct(batches, 2) == 4 / 5
    assert distinct(batches, 3) == 1
    assert distinct(batches, 4) is None


def test_distinct_n_of_nothing_is_none() -> None:
    assert distinct([], 1) is None
    assert distinct([words_of(["", " "])], 1) is None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=8), st.integers(1, 4), st.integers(1, 9))
def test_distinct_n_counts_n_grams_within_texts(texts: list[list[str]], n: int, size: int) -> None:
    grams = [tuple(text[at : at + n]) for text in texts for at in range(len(text) - n + 1)]
    joined = [" ".join(text) for text in texts]
    batches = [words_of(joined[at : at + size]) for at in range(0, len(joined), size)]
    assert distinct(batches, n) == (len(set(grams)) / len(grams) if grams else None)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.data())
def test_a_sample_has_as_many_words_as_are_wanted(sizes: list[int], data: st.DataObject) -> None:
    texts = [" ".join(f"t{text}w{word}" for word in range(size)) for text, size in enumerate(sizes)]
    count = data.draw(st.integers(0, sum(sizes)))
    whole = words_of(texts)
    batches = [words_of(texts[:3]), words_of(texts[3:])] if len(texts) > 3 else [whole]
    drawn = sampled(batches, count, np.random.default_rng(data.draw(st.integers(0, 99))))
    assert len(drawn.units) == drawn.starts[-1] == count
    texts_of = [drawn.units[low:high] for low, high in zip(drawn.starts[:-1], drawn.starts[1:], strict=True)]
    beginnings = {text.tobytes() for text in _beginnings(whole)}
    assert all(text.tobytes() in beginnings for text in texts_of)
    assert len(np.unique(drawn.units)) == count  # no text twice
    assert sum(text.tobytes() not in {whole_text.tobytes() for whole_text in _texts(whole)} for text in texts_of) <= 1


def _texts(words: Words) -> list[Any]:
    return [words.units[low:high] for low, high in zip(words.starts[:-1], words.starts[1:], strict=True)]


def _beginnings(words: Words) -> list[Any]:
    return [text[:end] for text in _texts(words) for end in range(len(text) + 1)]


def test_the_effective_number_of_groups() -> None:
    assert effective_number([5, 5, 5, 5]) == pytest.approx(4)
    assert effective_number([9, 1, 0]) == pytest.approx(10 / 9**0.9)  # exp(-.9 ln .9 - .1 ln .1)
    assert effective_number([]) == 0


# -- the comparison ------------------------------------------------------------------------------------

SOURCE = [("Name a red fruit that grows on trees", "apple", "food"), ("Name a river", "the Nile", "places"),
          ("你好", "您好！", ""), ("Name a river", "the Rhine", "places")]  # fmt: skip
NEW = [("Name a red fruit which grows on trees", "an apple", "food"), ("Which planet has rings?", "Saturn", "space")]


def row(prompt: str, answer: str, category: str, **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return {"messages": said, **({"meta": {"category": category}} if category else {}), **more}


def written(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
    return str(path)


def compared(
    folder: Path, output: Sequence[dict[str, Any]], wish: Wish = WISH, *, with_seeds: bool = False, **result: Any
) -> AugmentReport:
    source = written(folder / "seeds.jsonl", [row(*each) for each in SOURCE])
    told = AugmentResult("j", **{"rows_in": 4, "rows_out": len(output), "rows_generated": 2, "rows_kept": 2, **result})
    return compare(source, written(folder / "out.jsonl", output), wish, told, with_seeds=with_seeds)


def test_rows_categories_and_scripts_before_and_after(tmp_path: Path) -> None:
    report = compared(tmp_path, [row(*each) for each in NEW])
    assert [rows.rows for rows in (report.before, report.new, report.after)] == [4, 2, 6]
    assert report.before.categories == {"food": 1, "places": 2}
    assert report.new.categories == {"food": 1, "space": 1}
    assert report.after.categories == {"food": 2, "places": 2, "space": 1}
    assert (report.before.uncategorised, report.new.uncategorised, report.after.uncategorised) == (1, 0, 1)
    assert report.before.effective == pytest.approx(3 / 2 ** (2 / 3))
    assert (report.before.scripts, report.new.scripts) == ({"Latin": 3, "Han": 1}, {"Latin": 2})
    assert report.notices == []


def test_lengths_are_exact_characters(tmp_path: Path) -> None:
    report = compared(tmp_path, [row(*each) for each in NEW])
    lengths = report.before.prompt.lengths  # 36, 12, 2, 12
    assert (lengths.median, lengths.most, sum(lengths.bins)) == (12, 36, 4)
    assert (lengths.bins[2], lengths.bins[bin_of(12)], lengths.bins[bin_of(36)]) == (1, 2, 1)
    assert report.new.completion.lengths[1:] == (6, 8)
    assert report.after.completion.lengths[1:] == (6, 9)  # 5 8 3 9 8 6


def test_distinct_n_of_sets_and_of_samples_of_one_size(tmp_path: Path) -> None:
    report = compared(tmp_path, [row(*each) for each in NEW])
    assert report.before.prompt.distinct[0] == 11 / 16  # name a red fruit that grows on trees river 你 好
    assert report.new.prompt.distinct[0] == 11 / 12  # which, twice
    assert report.after.prompt.distinct[0] == 15 / 28
    assert report.words == (12, 3)
    assert report.new.prompt.sampled == report.new.prompt.distinct
    assert all(side.sampled[0] <= 1 for side in (report.before.prompt, report.after.prompt) if side.sampled[0])
    assert report == compared(tmp_path, [row(*each) for each in NEW])


def test_clusters_of_prompts(tmp_path: Path) -> None:
    report = compared(tmp_path, [row(*each) for each in NEW])
    assert report.clusters_before == Clusters(prompts=3, shared=1, largest=2)
    assert report.clusters_after == Clusters(prompts=4, shared=2, largest=2)
    assert report.near == 1


@pytest.mark.parametrize("trace", [{}, {"meta": {"category": "food", "provenance": {"method": "x", "model": "y"}}}])
def test_seeds_in_the_output_are_told_from_new_rows(tmp_path: Path, trace: dict[str, Any]) -> None:
    """Also where the rows say nothing of where they come from, and where seeds are equal or not written."""
    new = [row(*NEW[0]) | trace, row(*NEW[1])]
    alone = compared(tmp_path, new)
    beside = [row(*SOURCE[0]), new[0], row(*SOURCE[1]), row(*SOURCE[3]), new[1]]
    assert compared(tmp_path, beside, with_seeds=True).figures() == alone.figures()
    assert compared(tmp_path, [row(*SOURCE[1])] * 3 + new, with_seeds=True).new.rows == 4


def test_a_count_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (said,) = compared(tmp_path, [row(*NEW[0])]).notices
    assert said.startswith("2 new rows were written, but 1 rows")


def test_another_field_may_hold_the_category(tmp_path: Path) -> None:
    source = written(tmp_path / "seeds.jsonl", [row("a", "b", "", tags={"topic": 7}), row("c", "d", "x")])
    output = written(tmp_path / "out.jsonl", [row("e", "f", "", tags={"topic": "t"})])
    report = compare(source, output, replace(WISH, by="tags.topic"), AugmentResult("j", rows_out=1, rows_kept=1))
    assert (report.before.categories, report.new.categories) == ({"7": 1}, {"t": 1})


def test_new_rows_may_be_in_another_format(tmp_path: Path) -> None:
    output = [{"instruction": prompt, "input": "", "output": answer} for prompt, answer, _ in NEW]
    report = compared(tmp_path, output, replace(WISH, format_name="chatml", to_format="alpaca"))
    assert (report.new.rows, report.near, report.notices) == (2, 1, [])


def test_rows_changed_in_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    method = replace(get_method("paraphrase"), in_place=True)
    monkeypatch.setattr(compare_module, "get_method", lambda name: method)
    output = [row(*NEW[0]), *(row(*each) for each in SOURCE[1:])]
    report = compared(tmp_path, output, rows_kept=1, rows_generated=1, unchanged={"nothing is found in the row": 3})
    assert [rows.rows for rows in (report.before, report.new, report.after)] == [4, 1, 4]
    assert report.after.categories == {"food": 1, "places": 2}
    assert (report.clusters_after, report.near, report.notices) == (Clusters(3, 1, 2), 1, [])
    said = Parsed(augment_page("t", report)).text("th", "td", "text", "li")
    assert "nothing is found in the row3" in said
    assert "as before" in said


def test_documents_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    method = replace(get_method("paraphrase"), of_documents=True)
    monkeypatch.setattr(compare_module, "get_method", lambda name: method)
    report = compared(tmp_path, [row(*each) for each in NEW])
    assert [rows.rows for rows in (report.before, report.new, report.after)] == [0, 2, 2]
    assert (report.words, report.near, report.clusters_before) == ((0, 0), 0, Clusters(0, 0, 0))
    assert_inert(augment_page("t", report))


@pytest.mark.parametrize(("with_seeds", "strip_meta"), [(False, False), (True, False), (True, True)])
def test_the_rows_of_a_run_are_found(tmp_path: Path, with_seeds: bool, strip_meta: bool) -> None:
    source, output = seeds(tmp_path, 5), tmp_path / "out.jsonl"
    with serving(echo) as server:
        result = run(server, source, output, with_seeds=with_seeds, strip_meta=strip_meta, per_row=2)
    report = compare(str(source), str(output), replace(WISH, strip_meta=strip_meta), result, with_seeds=with_seeds)
    assert [rows.rows for rows in (report.before, report.new, report.after)] == [5, result.rows_kept, 5 + 10]
    assert (report.asked, report.kept, report.notices) == (10, 10, [])


# -- the page ------------------------------------------------------------------------------------------


def cells(page: str) -> list[list[str]]:
    """The texts of the rows of all tables."""
    rows = re.findall("<tr>(.*?)</tr>", page, re.DOTALL)
    return [[Parsed(cell).text() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def test_the_page_holds_its_own_elements_and_nothing_that_acts() -> None:
    page = hostile_augment_page()
    page.encode()  # half a character would not be written
    parsed = assert_inert(page)
    assert (len(parsed.all("script")), len(parsed.all("style"))) == (0, 1)
    assert_admits(page, "style")
    assert "<script>" not in page
    assert not re.search(r"url\(|@import|//", augment_page("Report", page_report()))
    shown = parsed.text("th", "title", "dd", "dt", "span", "p")
    assert all(shown.count(text) >= 5 for text in HOSTILE if text.isprintable())


def test_the_counts_stand_above() -> None:
    said = re.sub(r"\s+", " ", Parsed(augment_page("Report", page_report())).text("li", "b", "span"))
    for part in ("100 rows before", "130 rows after1.30 × before", "30 new rows kept60.0% of 50",
                 "15 dropped33.3% of 45", "2 failed", "3 not paid for", "1 rejected",
                 "0.0123 USD spent60 requests"):  # fmt: skip
        assert part in said
    unpriced = Parsed(augment_page("Report", page_report(spent=None))).text("li", "b", "span")
    assert "60 requests" in unpriced


def test_the_tables() -> None:
    told = cells(augment_page("Report", page_report()))
    for line in (
        ["Rows asked for", "50", "Share"], ["kept", "30", "60.0%"], ["dropped: too close to the seed", "15", "30.0%"],
        ["failed: the request was given up", "2", "4.0%"], ["not asked for: the budget would not pay", "3", "6.0%"],
        ["food", "60", "0", "60.0% → 46.2%"], ["places", "20", "30", "20.0% → 38.5%"],
        ["none", "20", "0", "20.0% → 15.4%"],
        ["Half of prompts", "40", "40", "40"], ["95% of completions", "47", "47", "47"],
        ["Promptssamples of 1,200 words", "1", "0.500", "0.500", "0.500"], ["3", "1.000", "1.000", "1.000"],
        ["Clusters", "90", "95"], ["Rows of the largest cluster", "3", "6"],
    ):  # fmt: skip
        assert line in told
    said = Parsed(augment_page("Report", page_report())).text("p", "span", "figcaption")
    assert "a caution" in said
    assert f"2 categories before, as even as {math.exp(0.5623):.1f} of the same size; 2 after" in said
    assert "Of 30 new rows, 25 (83.3%) stand with a row of the source" in said


def test_every_row_asked_for_is_in_the_table_once() -> None:
    dropped = {f"reason {number:02}": number + 1 for number in range(40)}
    lines = cells(augment_page("t", page_report(kept=0, generated=820, dropped=dropped, asked=825)))
    at = lines.index(["Rows asked for", "825", "Share"])
    counted = [line for line in lines[at + 1 : at + 20] if len(line) == 3]
    assert sum(int(line[1].replace(",", "")) for line in counted) == 825
    assert any(line[0] == "dropped: other reasons" for line in counted)


def test_many_categories_are_summed_up() -> None:
    counts = {f"c{number:03}": 100 - number for number in range(50)}
    told = cells(
        augment_page("t", page_report(before=row_set(counts, 9999), new=row_set({}), after=row_set(counts, 9999)))
    )
    assert ["c019", "81", "0", "0.8% → 0.8%"] in told
    assert not any(line[0] == "c020" for line in told)
    assert [line[:2] for line in told if line[0] == "30 more"] == [["30 more", f"{sum(range(51, 81)):,}"]]


def test_links_and_labels_lead_somewhere() -> None:
    parsed = Parsed(augment_page("Report", page_report()))
    ids = [attributes["id"] or "" for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((each["href"] or "").removeprefix("#") in ids for each in parsed.all("a"))
    labelled = [each["aria-labelledby"] or "" for each in parsed.all("svg")]
    assert len(labelled) == 6
    assert all(part in ids for names in labelled for part in names.split())
    assert all("scope" in head for head in parsed.all("th"))


def test_a_run_that_made_nothing_has_a_page_too(tmp_path: Path) -> None:
    report = compared(tmp_path, [], rows_kept=0, rows_generated=0, failures=[Failure(1, 1, 1, "x")])
    page = augment_page("t", report)
    assert_inert(page)
    assert ["Half of prompts", "12", "-", "12"] in cells(page)
    assert (report.new.rows, report.words) == (0, (0, 0))
    nothing = row_set({}, 0, (None, None, None))
    assert_inert(augment_page("t", page_report(before=nothing, new=nothing, after=nothing, words=(0, 0), asked=0)))


@pytest.mark.parametrize("text", ["plain text ", "<&>'\"", "\x00\u202e\U000e0041", "你好😀"])
def test_no_input_makes_the_page_too_large(text: str) -> None:
    counts = {f"{number}{text * 1000}": number for number in range(1, 2000)}
    rows = replace(row_set(counts, 10**9), scripts=counts)
    report = page_report(
        before=rows, new=rows, after=rows, dropped=counts, unchanged=counts, sources=[(text * 1000, 10**12)] * 2,
        run=[("Model", text * 1000)] * 9, notices=[text * 1000] * 9,
    )  # fmt: skip
    page = augment_page(text * 1000, report)
    assert len(page.encode()) <= MAX_BYTES
    assert_inert(page)


def test_the_page_is_written(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", page_report())
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == augment_page(
        "dsforge augment: seeds.jsonl", page_report()
    )


@pytest.mark.parametrize(
    ("paths", "said"),
    [(("-", "a", "b"), "name a file for it"), (("p", "-", "b"), "- can be read only once"),
     (("p", "a", "-"), "- can be read only once")],
)  # fmt: skip
def test_a_page_that_could_not_be_made_is_refused_before(paths: tuple[str, str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_page(*paths)
    check_page("p", "a", "b")


def test_the_figures_are_plain_and_small(tmp_path: Path) -> None:
    told = json.loads(json.dumps(compared(tmp_path, [row(*each) for each in NEW]).figures()))
    assert told["before"]["clusters"] == {"prompts": 3, "shared": 1, "largest": 2}
    assert told["after"]["prompt"]["distinct"][0] == 15 / 28
    assert (told["new"]["rows"], told["near_seeds"], told["sample_words"]) == (2, 1, {"prompt": 12, "completion": 3})
    assert len(json.dumps(page_report().figures())) < 4000
