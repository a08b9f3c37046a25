"""The page about the cost of a training: well-formed, inert, bounded, and right in what it says and draws."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.cost.count import Columns, TokenCount
from dsforge.cost.currency import Rates
from dsforge.cost.estimate import Choices, Estimate, estimate_cost, plan_estimate
from dsforge.cost.page import epochs_drawn, write_page
from dsforge.cost.ranking import rank
from dsforge.cost.shape import shape_of
from dsforge.report.cost_page import cost_page
from dsforge.report.cost_plots import Machine, bill_lines, kinds_of, memory_bars, reach
from dsforge.report.cost_report import Basis, Way, duration, money
from dsforge.report.document import MAX_BYTES
from dsforge.report.markup import element
from dsforge.tokens.counter import Counter
from dsforge.tokens.rows import RowTokens
from tests.report.pages import HOSTILE, cost_report, hostile_cost_page
from tests.report.parsed import Parsed, assert_admits, assert_inert


def cells(page: str) -> list[list[str]]:
    """The texts of the rows of all tables."""
    rows = re.findall("<tr.*?>(.*?)</tr>", page, re.DOTALL)
    return [[Parsed(cell).text() for cell in re.findall(r"<t[hd] .*?</t[hd]>", row, re.DOTALL)] for row in rows]


def descriptions(page: str) -> list[str]:
    return [data for tag, data in Parsed(page).texts if tag == "desc"]


# -- safety and size -----------------------------------------------------------------------------------


def test_the_page_holds_its_own_elements_and_nothing_that_acts() -> None:
    parsed = assert_inert(hostile_cost_page())
    assert (len(parsed.all("script")), len(parsed.all("style"))) == (0, 1)
    assert_admits(hostile_cost_page(), "style")
    assert not re.search(r"url\(|@import|//", cost_page("Report", cost_report()))


def test_every_hostile_text_is_there_as_text() -> None:
    page = hostile_cost_page()
    page.encode()
    shown = Parsed(page).text("th", "dt", "dd", "li")
    for text in HOSTILE:
        if text.isprintable() and len(text) < 48:
            assert shown.count(text) >= 4
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(max_examples=40)
@given(ANYTHING, ANYTHING, st.lists(st.decimals(0, 10**9, places=6), min_size=2, max_size=2))
def test_any_text_and_amount_give_a_well_formed_page(one: str, other: str, amounts: list[Decimal]) -> None:
    ways = [Way(one, other, one, amount, "USD", bills=[amount * n for n in range(1, 7)]) for amount in amounts]
    page = cost_page(one, cost_report(ways=ways, currency="", notes=[other]))
    page.encode()
    assert_inert(page)
    assert "nan" not in "".join(each["d"] or "" for each in Parsed(page).all("path"))


@pytest.mark.parametrize("text", ["platform ", "<&>'\"", "\x00\u202e\U000e0041", "你好😀"])
@pytest.mark.parametrize("ways", [300, 5000])
def test_no_input_makes_the_page_too_large(text: str, ways: int) -> None:
    long = text * 500
    many = [
        Way(f"{number}{long}", long, long, Decimal(number), code, bills=[Decimal(number)] * 6, memory_gib=9.0,
            capacity_gib=8.0, parts=[(f"{part}{long}", 1.0) for part in range(9)], option=long, marks=["cheapest"])
        for number in range(ways) for code in ("CNY", "USD", "EUR", "GBP", "JPY")
    ]  # fmt: skip
    basis = [Basis(long, long, long, [long] * 50)] * ways
    report = cost_report(
        ways=many, currency="", basis=basis, notes=[long] * 500, assumptions=[long] * 500,
        sources=[(long, 10**12)] * 500,
    )  # fmt: skip
    page = cost_page(long, report)
    assert len(page.encode()) <= MAX_BYTES
    assert "ways more" in Parsed(page).text("p")
    assert "Not drawn: amounts in" in Parsed(page).text("p")


def test_300_ways_of_usual_names_are_all_in_the_table() -> None:
    ways = [Way(f"platform-{number}", "qwen2.5-14b-instruct", "lora", Decimal(number + 1), "USD", Decimal(number + 1),
                bills=[Decimal(number)] * 6) for number in range(300)]  # fmt: skip
    page = cost_page("Report", cost_report(ways=ways))
    assert len(page.encode()) < MAX_BYTES
    assert sum(row[0].startswith("platform-") for row in cells(page) if len(row) == 4 and row[2] == "-") == 300
    assert "the cheapest 12 of 300" in Parsed(page).text("span")
    assert "The cheapest 8 of 300" in Parsed(page).text("span")


# -- what is on it -------------------------------------------------------------------------------------


def test_what_matters_most_stands_above() -> None:
    said = Parsed(cost_page("Report", cost_report())).text("li", "b", "span")
    for part in (
        "999 rows1 file", "160,264 tokens142,362 trained (89%)", "3 epochs", "0.30 USD the cheapest2 x a100",
        "1.0 to 2.0 min the fastest2 x a100",
    ):  # fmt: skip
        assert part in said


def test_the_table_has_every_way_with_its_marks() -> None:
    said = cells(cost_page("Report", cost_report()))
    assert said[:5] == [
        ["Way", "Amount", "Time", "GiB of each GPU"],
        ["2 x a100 cheapest fastestqwen2.5-7b, lora", "0.30 USD", "1.0 to 2.0 min", "15.9 of 80"],
        ["openaigpt-4o-mini, unstated", "10.00 CNY= 1.40 USD", "-", "-"],
        ["zhipuglm-4-9b, lora", "?give --price zhipu.glm-4-9b=...", "-", "-"],
        ["a10 does not fitqwen2.5-7b, lora", "-", "-", "31.0 of 24"],
    ]
    assert all("scope" in head for head in Parsed(cost_page("Report", cost_report())).all("th"))


def test_the_charts_say_their_numbers() -> None:
    costs, growth, memory, lengths = descriptions(cost_page("Report", cost_report()))
    assert costs == "2 x a100, qwen2.5-7b, lora: 0.30 USD; openai, gpt-4o-mini, unstated: 1.40 USD"
    assert growth == (
        "A, 2 x a100, qwen2.5-7b, lora: 0.10 USD for 1 epoch, 0.60 USD for 6; "
        "B, openai, gpt-4o-mini, unstated: 1.40 USD for 1 epoch, 1.40 USD for 6"
    )
    assert memory == "2 x a100: 15.9 of 80 GiB; a10: 31 of 24 GiB: does not fit"
    assert lengths.startswith("3 sequences, from 5 to")


def test_the_lines_have_a_table_of_their_bills() -> None:
    said = cells(cost_page("Report", cost_report()))[5:]
    assert said == [
        ["Line", "1 epoch", "3 epochs", "6 epochs"],
        ["A 2 x a100qwen2.5-7b, lora", "0.10", "0.30", "0.60"],
        ["B openaigpt-4o-mini, unstated", "1.40", "1.40", "1.40"],
    ]


def test_amounts_in_several_currencies_have_charts_of_their_own() -> None:
    ways = [way._replace(compared=None) for way in cost_report().ways]
    page = cost_page("Report", cost_report(ways=ways, currency=""))
    titles = [data for tag, data in Parsed(page).texts if tag == "b" and data.startswith("Cost")]
    assert titles == [f"Cost {of}, {code}" for code in ("USD", "CNY") for of in ("by choice", "against epochs")]
    assert "give --rate CNY/USD=..., what one CNY is in USD." in Parsed(page).text("p", "code")


def test_prices_say_where_they_are_from() -> None:
    said = Parsed(cost_page("Report", cost_report())).text("dt", "dd", "span", "li")
    assert "openai, gpt-4o-mini171,253 tokens x 3 = 1.40 USDa price list, 2026-04-01 (unverified)soon closed" in said
    assert "an assumption" in said
    assert "Tokenizero200k_base (exact)" in said
    assert "a caution" in said


def test_links_and_labels_lead_somewhere() -> None:
    parsed = Parsed(cost_page("Report", cost_report()))
    ids = [attributes["id"] or "" for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((each["href"] or "").removeprefix("#") in ids for each in parsed.all("a"))
    drawings = [each for each in parsed.all("svg") if each.get("aria-hidden") != "true"]
    assert len(drawings) == 4
    for each in drawings:
        assert each["role"] == "img"
        assert all(part in ids for part in (each["aria-labelledby"] or "").split())


def test_a_page_with_nothing_priced() -> None:
    page = cost_page("Report", cost_report(ways=[], basis=[], lengths=[], shape=[], tokens=0, trained=0))
    parsed = assert_inert(page)
    assert "Nothing was priced." in parsed.text("p")
    assert "No price is known, so there is nothing to draw." in parsed.text("p")
    assert "lengths" not in [each.get("id") for each in parsed.all("section")]


# -- the drawings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "end"), [([1, 2, 30], 2), ([1, 2, 20], 20), ([1, 300], 300), ([0, 0, 0], 1), ([1, 5, 500, 90_000], 5)]
)
def test_bars_end_where_something_is_to_be_seen(amounts: list[int], end: int) -> None:
    assert reach(map(Decimal, amounts)) == end


def test_what_is_beyond_a_gpu_is_drawn_apart() -> None:
    machines = [Machine("small", [("weights", 20.0), ("states", 11.0)], 31.0, 24.0, False),
                Machine("large", [("weights", 20.0), ("states", 0.0)], 20.0, 80.0, True)]  # fmt: skip
    parsed = Parsed(memory_bars("m", "Memory", machines))
    rects = {each["class"]: each for each in parsed.all("rect")}
    assert set(rects) == {"part p0", "part p1", "over"}
    scale = 338 / 80
    assert float(rects["over"]["width"] or 0) == pytest.approx(7 * scale, abs=0.1)
    assert [float(each["x1"] or 0) for each in parsed.all("line")] == pytest.approx([24 * scale, 80 * scale], abs=0.1)
    assert "31 of 24 GiB: does not fit" in parsed.text("text")


def test_small_parts_are_put_together() -> None:
    parts = [(f"part {number}", float(number)) for number in range(9)]
    assert kinds_of([Machine("m", parts, 36.0, None, True)]) == [*(f"part {n}" for n in range(4, 9)), "other"]
    assert kinds_of([Machine("m", parts[:4], 6.0, None, True)]) == ["part 1", "part 2", "part 3"]


def test_letters_at_the_ends_of_lines_do_not_lie_on_one_another() -> None:
    bills = [Decimal(n) for n in range(1, 7)]
    drawn = bill_lines("b", "Bills", range(1, 7), 3, [(str(number), bills) for number in range(8)], "USD")
    letters = [(data, tag) for tag, data in Parsed(drawn).texts if tag == "text" and data in tuple("ABCDEFGH")]
    heights = [float(each["y"] or 0) for each in Parsed(drawn).all("text") if each["class"] == "key"]
    assert len(letters) == len(heights) == 8
    assert all(abs(one - other) >= 11 for at, one in enumerate(heights) for other in heights[:at])


def test_widely_different_bills_are_drawn_on_a_logarithmic_scale() -> None:
    lines = [("small", [Decimal("0.1")] * 5), ("large", [Decimal(4000)] * 5)]
    assert "USD, logarithmic" in bill_lines("b", "Bills", range(1, 6), 3, lines, "USD")
    assert "logarithmic" not in bill_lines("b", "Bills", range(1, 6), 3, lines[:1], "USD")


@pytest.mark.parametrize(
    ("amount", "told"),
    [("0", "0.00"), ("0.00001", "<0.0001"), ("0.0405", "0.0405"), ("0.774", "0.77"), ("16000", "16,000.00")],
)
def test_amounts_for_people(amount: str, told: str) -> None:
    assert money(Decimal(amount)) == told
    assert money(Decimal(amount), "USD") == f"{told} USD"


def test_times_for_people() -> None:
    assert duration((1.0, 2.5)) == "1.0 to 2.5 h"
    assert duration((0.001, 0.02)) == "0.1 to 1.2 min"
    assert duration((0.0, 0.0001)) == "under 1 s"


# -- from an estimate ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("epochs", "last"), [(1, 5), (2, 5), (3, 6), (50, 100), (997, 1994)])
def test_epochs_from_one_to_twice_what_was_asked(epochs: int, last: int) -> None:
    drawn = epochs_drawn(epochs)
    assert (drawn[0], drawn[-1]) == (1, last)
    assert epochs in drawn
    assert drawn == sorted(set(drawn))
    assert len(drawn) <= 61


def counted(rows: int = 200) -> TokenCount:
    columns = Columns()
    for number in range(rows):
        columns.append(RowTokens(total=100 + number, trained=50, longest=100 + number, messages=2))
    return TokenCount(Counter("words", True, lambda texts: [1] * len(texts)), columns, rows_in=rows)


def written(folder: Path, epochs: int, rates: Rates) -> tuple[Estimate, str]:
    count = counted()
    choices = Choices(
        ["openai", "bailian-intl", "local", "zhipu"], gpus=["a10", "h100", "rtx-4090"], epochs=epochs,
        prices=["local.h100=18"],
    )  # fmt: skip
    plan = plan_estimate(choices)
    estimate = estimate_cost(count, plan)
    ranking = rank(estimate, rates, epochs, {"a10": 24, "h100": 80, "rtx-4090": 24})
    shape = shape_of(list(count.columns["total"]), list(count.columns["trained"]), limit=250)
    file = folder / "out.html"
    write_page(file, ["rows.jsonl"], estimate, ranking, shape, epochs=epochs, count=count, book=plan.book, rates=rates,
               assumptions=["an assumption"])  # fmt: skip
    return estimate, file.read_text(encoding="utf-8")


@pytest.mark.parametrize("epochs", [1, 4])
def test_the_bill_of_the_epochs_asked_for_is_that_of_the_quote(tmp_path: Path, epochs: int) -> None:
    rates = Rates({("CNY", "USD"): Decimal("0.14")})
    estimate, page = written(tmp_path, epochs, rates)
    assert_inert(page)
    quotes = {quote.target: quote for quote in estimate.quotes}
    table = cells(page)
    head = next(row for row in table if row[0] == "Line")
    at = head.index("1 epoch" if epochs == 1 else f"{epochs} epochs")
    lines = {re.split(r"[A-H] ", row[0], maxsplit=1)[1]: row for row in table[table.index(head) + 1 :]}
    assert len(lines) == 5
    for target in ("openai", "bailian-intl"):
        line = next(row for word, row in lines.items() if word.startswith(target))
        assert line[at] == money(Decimal(str(quotes[target].amount)))
        of_one, of_last = (Decimal(line[column].replace(",", "")) for column in (1, -1))
        assert of_last == pytest.approx(of_one * epochs_drawn(epochs)[-1], abs=Decimal("0.05"))
    by_month = next(row for word, row in lines.items() if word.startswith("a10"))
    assert set(by_month[1:]) == {"560.00"}


def test_a_page_from_an_estimate_tells_the_run(tmp_path: Path) -> None:
    _, page = written(tmp_path, 3, Rates())
    said = Parsed(page).text("dt", "dd", "li", "span", "b")
    for part in (
        "200 rows1 file", "Rows200", "Tokenizerwords (exact)", "Sequences200 of 199.5 tokens on average",
        "Over the limit49 of more than 250 tokens", "1 month x 1 x 4000 CNY (whole months) = 4,000.00 CNY",
        "price not known: give --price zhipu.glm-4-9b=",
    ):  # fmt: skip
        assert part in said, part
    assert len(page.encode()) < 100_000


def test_a_page_without_a_shape(tmp_path: Path) -> None:
    count = counted(5)
    plan = plan_estimate(Choices(["openai"]))
    estimate = estimate_cost(count, plan)
    file = tmp_path / "out.html"
    write_page(file, ["a", "b"], estimate, rank(estimate, Rates(), 3, {}), None, epochs=3, count=count, book=plan.book,
               rates=Rates())  # fmt: skip
    page = file.read_text(encoding="utf-8")
    assert element("title", "dsforge cost: a and 1 more") in page
    assert 'id="lengths"' not in page


def test_several_gpus_are_told_as_the_ranking_tells_them(tmp_path: Path) -> None:
    count = counted(5)
    plan = plan_estimate(Choices(["local"], models=["qwen2.5-72b"], gpus=["h100", "rtx-4090"]))
    estimate = estimate_cost(count, plan)
    file = tmp_path / "out.html"
    write_page(file, ["a"], estimate, rank(estimate, Rates(), 3, {"h100": 80, "rtx-4090": 24}), None, epochs=3,
               count=count, book=plan.book, rates=Rates())  # fmt: skip
    counts = {quote.gpu: quote.count for quote in estimate.hardware}
    assert counts["h100"] > 1
    said = Parsed(file.read_text(encoding="utf-8")).text("th", "li", "dt")
    assert said.count(f"{counts['h100']} x h100") >= 3
