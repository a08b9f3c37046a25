"""The page about a lint run: well-formed, inert whatever the rows hold, bounded, and saying what it leaves out."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.example import Example, Message
from dsforge.finding import Finding
from dsforge.report.document import MAX_BYTES
from dsforge.report.lint_report import PER_CODE, LintReport, RuleLine, listed
from dsforge.report.marked import Span, meant, quoted
from dsforge.report.markup import Html, clip, element, join
from dsforge.report.page import lint_page
from dsforge.report.plots import bars, compact, histogram, overlaid
from dsforge.report.summary import Summary
from tests.report.pages import HOSTILE, RULES, finding, hostile_page, summary
from tests.report.parsed import ALLOWED, Parsed, assert_admits, assert_inert


def page_of(findings: list[Finding], rows: dict[tuple[str, int], str], counts: dict[str, int] | None = None) -> str:
    counted = counts or {code: sum(each.code == code for each in findings) for code in RULES}
    return lint_page("Report", LintReport(findings, counted, RULES, 10, 0, [("data/rows.jsonl", 10)]), summary(), rows)


# -- safety --------------------------------------------------------------------------------------------


def test_the_page_holds_its_own_elements_and_nothing_that_acts() -> None:
    parsed = assert_inert(hostile_page())
    assert len(parsed.all("script")) == len(parsed.all("style")) == 1


def test_every_hostile_text_is_there_as_text() -> None:
    page = hostile_page()
    page.encode()  # half a character would not be written
    parsed = Parsed(page)
    shown = parsed.text("p", "pre", "mark")
    for text in HOSTILE:
        if text.isprintable():
            assert f"{text} was never filled in" in shown
    assert "\\u202etxt.exe was never" in shown
    assert "\\x00\\x1b[31m was never" in shown
    assert "half \\ud83d was never" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_the_policy_admits_this_style_and_this_script_alone() -> None:
    assert_admits(hostile_page(), "style", "script")
    assert not re.search(r"url\(|@import|//", page_of([], {}))


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(max_examples=60)
@given(ANYTHING, ANYTHING, ANYTHING, st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_any_text_gives_a_well_formed_page(message: str, excerpt: str, row: str, mark: tuple[int, int]) -> None:
    found = finding("Q502", 1, message, help=message, pointer=row, excerpt=excerpt, mark=mark)
    page = page_of([found], {("data/rows.jsonl", 1): row})
    page.encode()
    assert {tag for tag, _ in Parsed(page).tags} <= ALLOWED


# -- what is on it -------------------------------------------------------------------------------------


def test_every_code_stands_in_the_table_and_has_a_section() -> None:
    parsed = Parsed(hostile_page())
    assert [each["id"] for each in parsed.all("section") if each.get("class") == "rule"] == ["S104", "Q502", "D703"]
    links = [each["href"] for each in parsed.all("a")]
    assert links == ["#rules", "#dataset", "#findings", "#S104", "#Q502", "#D703"]
    said = parsed.text()
    assert f"4,000 found; the first {len(HOSTILE)} are listed, {4000 - len(HOSTILE):,} are not." in said
    assert f"{len(HOSTILE) + 2} listed of 4,002 found" in said
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = [each["aria-labelledby"] or "" for each in parsed.all("svg")]
    assert all(part in ids for names in labelled for part in names.split())


def test_the_card_and_the_plots() -> None:
    parsed = Parsed(hostile_page())
    said = parsed.text("dd", "dt", "b", "span", "li")
    for part in (
        "1.2 MB", "5,000; 4,983 could be read, 17 (less than 1%) could not and are in no count below",
        "chatml (2), dpo (1)", "59 in 3 rows", "images: 1 (33%)", "1 good, 0 bad",
        "1; the chosen answer is the longer one in 1 (100%)",
    ):  # fmt: skip
        assert part in said
    for title in (
        "Characters per row", "Messages per row", "Characters of the prompt", "Characters of the completion",
        "Tokens per row", "Chosen and rejected answers", "Scripts", "Roles", "Formats", "Categories",
    ):  # fmt: skip
        assert title in said
    assert len(parsed.all("svg")) == 10
    assert all(each["role"] == "img" for each in parsed.all("svg"))
    assert parsed.all("html")[0]["lang"] == "en"
    assert all(each["dir"] == "auto" for each in parsed.all("pre"))


def test_a_clean_dataset_and_one_that_nothing_could_be_read_of() -> None:
    clean = Parsed(page_of([], {}, {"S104": 0}))
    assert clean.text().count("Nothing was found.") == 2
    assert not any(each.get("id") == "filters" for each in clean.all("div"))
    report = LintReport([], {}, RULES, 3, 3, [("a.jsonl", 9)])
    assert "nothing to draw" in lint_page("Report", report, Summary(), {})


def test_a_code_without_a_rule_is_listed_too() -> None:
    found = Finding("Z900", "toy", "error", "toy trouble", "a.jsonl", 1, 1, 1)
    page = lint_page("Report", LintReport([found], {"Z900": 1, "Z901": 2}, {}, 1, 0, []), Summary(), {})
    assert "toy trouble" in page
    assert "2 found; none is listed here." in page


# -- the row -------------------------------------------------------------------------------------------

RAW = '{\n  "messages": [\n\t{"role": "user", "content": "Dear [Your Name], hi"}]}'


@pytest.mark.parametrize(
    ("excerpt", "mark", "pointer", "expected"),
    [
        ('...er", "content": "Dear [Your Name], h...', (25, 11), "", "[Your Name]"),
        ('{   "messages": [  {"role": "user"...', (4, 10), "", '"messages"'),
        ("not in the row", (3, 4), "/messages/0/role", '"user"'),
        ('...: "Dear [Your', (6, 1), "/messages/0/content", '"Dear [Your Name], hi"'),
        ("", (0, 0), "/messages/0/content", '"Dear [Your Name], hi"'),
        ("", (0, 0), "/messages/7", ""),
        ("", (0, 0), "", ""),
        ('...: "Dear [Your...', (6, 1), "", "D"),
    ],
)
def test_what_is_meant_is_found(excerpt: str, mark: tuple[int, int], pointer: str, expected: str) -> None:
    span = meant(RAW, finding("Q502", 1, "m", excerpt=excerpt, mark=mark, pointer=pointer))
    assert RAW[span.start : span.end] == expected


def test_of_a_long_value_the_key_is_marked() -> None:
    raw = json.dumps({"text": "x" * 500})
    span = meant(raw, finding("Q502", 1, "m", pointer="/text"))
    assert raw[span.start : span.end] == '"text"'


@pytest.mark.parametrize("raw", ["{broken", '{"a": "\ud83d"}', "", "[1, 2"])
def test_rows_that_are_no_json_have_no_value_to_mark(raw: str) -> None:
    assert meant(raw, finding("Q502", 1, "m", pointer="/a")) == Span(0, 0)


def test_a_long_row_is_shown_around_the_mark() -> None:
    row = "a" * 5000 + "HERE" + "b" * 5000
    assert quoted(row, Span(5000, 5004), 300) == (
        '<span class="cut">[4,900 characters not shown]</span>' + "a" * 100 + "<mark>HERE</mark>" + "b" * 196
        + '<span class="cut">[4,804 characters not shown]</span>'
    )  # fmt: skip
    assert quoted("short", Span(0, 0), 300) == "short"
    assert quoted("short", Span(3, 99), 300) == "sho<mark>rt</mark>"
    assert (
        quoted("x" * 20, Span(0, 20), 10) == '<mark>xxxxxxxxxx</mark><span class="cut">[10 characters not shown]</span>'
    )


# -- the bound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["plain text ", "<&>'\"", "\x00\u202e\U000e0041", "你好😀"])
def test_no_input_makes_the_page_too_large(text: str) -> None:
    rules = {f"T{number}": RuleLine(f"rule-{number}", "error", text * 1000) for number in range(75)}
    findings = [
        Finding(code, rule.name, rule.severity, text * 10_000, text * 1000, row, row, 1, text * 1000, text * 1000,
                excerpt=text * 1000, mark=(500, 100_000))
        for code, rule in rules.items()
        for row in range(1, PER_CODE + 5)
    ]  # fmt: skip
    rows = {(text * 1000, row): text * 50_000 for row in range(1, PER_CODE + 5)}
    counts = dict.fromkeys(rules, 1_000_000)
    report = LintReport(findings, counts, rules, 10**9, 10**8, [(text * 1000, 10**12)] * 5000, [text * 1000] * 500)
    seen = summary()
    for number in range(2000):
        said = [Message("user", "x" * number * 50)] * (number % 90)
        example = Example(said, meta={"category": f"{text}{number}" * 9})
        seen.add(example, f"format {number % 40}", number * 100)
    page = lint_page(text * 1000, report, seen, rows)
    assert len(page.encode()) <= MAX_BYTES
    Parsed(page)


def test_a_million_findings_are_quick_and_the_first_of_every_code_is_listed() -> None:
    many = [finding("Q502", row, "'[Your Name]' was never filled in") for row in range(1, 1001)] * 1000
    findings = [*many, finding("S104", 7, "the message says nothing"), finding("D703", 8, "answers differently")]
    rows = {("data/rows.jsonl", row): '{"text": "' + "word " * 2_000 + '"}' for row in range(1, 1001)}
    started = time.perf_counter()
    page = page_of(findings, rows, {"Q502": len(many), "S104": 1, "D703": 1})
    assert time.perf_counter() - started < 5
    assert len(page.encode()) <= MAX_BYTES
    parsed = Parsed(page)
    items = [each["data-code"] for each in parsed.all("li") if "data-code" in each]
    assert items.count("S104") == items.count("D703") == 1
    assert items.count("Q502") >= 20
    assert f"1,000,000 found; the first {items.count('Q502')} are listed" in parsed.text()
    assert re.search(r"Row 1: [\d,]+ of its 10,012 characters|Row 1: 10,012 characters", parsed.text("summary"))


def test_listed_names_the_rows_worth_reading_again() -> None:
    kept = listed([finding("Q502", row, "m") for row in range(1, 200)] + [finding("S104", 3, "m")])
    assert [each.row for each in kept["Q502"]] == list(range(1, PER_CODE + 1))
    assert [each.row for each in kept["S104"]] == [3]


# -- the parts -----------------------------------------------------------------------------------------


def test_markup_escapes_what_is_not_markup() -> None:
    assert element("a", "<b>", href='"&', data_x=1) == '<a href="&quot;&amp;" data-x="1">&lt;b&gt;</a>'
    assert element("input", hidden="", class_="x") == '<input hidden class="x">'
    assert join(["<", Html("<")]) == "&lt;<"
    assert clip("abcdef", 3) == "abc [... 3 more characters]"
    assert clip("abc", 3) == "abc"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1536, "1.5k"), (12_288, "12k"), (3_000_000, "3M"), (10**9, "1G")],
)
def test_numbers_on_axes_are_short(number: int, text: str) -> None:
    assert compact(number) == text


def test_a_histogram_draws_every_row_and_keeps_inside() -> None:
    seen = Summary()
    for number in range(600):
        seen.add(Example([Message("user", "x" * number * number)]), "chatml")
    parsed = Parsed(histogram("h", "Sizes", "characters", seen.characters))
    counted = sum(
        int(text.split(": ")[1].replace(",", "")) for tag, text in parsed.texts if ": " in text and tag == "title"
    )
    assert counted == 600
    drawn = parsed.all("rect")
    assert 20 < len(drawn) <= 45
    for each in drawn:
        x, y, width, height = (float(each[name] or "nan") for name in ("x", "y", "width", "height"))
        assert 40 <= x <= x + width <= 331
        assert 20 <= y <= y + height <= 140.1
    assert "600 rows, from 0 to" in parsed.text("desc")


def test_plots_of_little_or_nothing_are_drawn_too() -> None:
    empty = Summary()
    one = Summary()
    one.add(Example([Message("user", "")]), "chatml")
    for seen in (empty, one):
        Parsed(histogram("h", "Sizes", "characters", seen.characters))
        Parsed(overlaid("o", "Both", "characters", ("a", seen.chosen), ("b", seen.characters)))
    Parsed(bars("b", "Bars", [], 0))
    drawn = Parsed(bars("b", "Bars", [("一个非常非常长的类别名称啊啊", 3), ("b", 0)], 3))
    assert "一个非常非常长的…" in drawn.text("text")
    assert "3 (100%)" in drawn.text("text")
