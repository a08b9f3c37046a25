"""Bills worked by hand from the platforms' published formulas."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dsforge.cost.count import Columns
from dsforge.cost.hosted import bill_rows, quote_hosted, row_tokens, training_bill
from dsforge.cost.prices import PriceBook, parse_prices
from dsforge.errors import UsageError
from dsforge.example import Example, Message
from dsforge.targets.load import load_target
from dsforge.targets.profile import Target
from dsforge.tokens.counter import Counter
from dsforge.tokens.rows import RowTokens, count_example

TODAY = date(2026, 3, 20)


def _book(*options: str) -> PriceBook:
    return PriceBook(parse_prices(options), TODAY)


def _columns(*rows: RowTokens) -> Columns:
    columns = Columns()
    for row in rows:
        columns.append(row)
    return columns


def _text(tokens: int) -> RowTokens:
    return RowTokens(total=tokens, trained=tokens // 2, longest=tokens, messages=2)


@pytest.mark.parametrize(
    ("tokens", "epochs", "price", "per", "amount"),
    [
        (100_000, 3, "3", 1_000_000, "0.90"),  # OpenAI's guide: 100,000 tokens, 3 epochs, gpt-4o-mini: about 0.90 USD
        (100_000, 3, "0.008", 1000, "2.40"),  # the same guide earlier: gpt-3.5-turbo, 2.40 USD
        (1_234_567, 2, "0.02", 1000, "49.38268"),
        (1, 1, "0.006", 1000, "0.000006"),  # Bailian's smallest unit is one token
    ],
)
def test_tokens_times_epochs_times_price(tokens: int, epochs: int, price: str, per: int, amount: str) -> None:
    assert training_bill(tokens, epochs, Decimal(price), per) == Decimal(amount)


def test_zhipu_text() -> None:
    quote = quote_hosted(
        load_target("zhipu"), "glm-4-9b", "lora", _columns(_text(12_345), _text(655)), 3, _book("zhipu.glm-4-9b=0.02")
    )
    assert (quote.tokens_billed, quote.amount, quote.currency) == (13_000, 0.78, "CNY")
    assert quote.formula == "13,000 tokens x 3 epochs x 0.02 CNY / 1,000 = 0.78 CNY"
    assert quote.source == "given with --price"


def test_zhipu_text_to_image_bills_images_only() -> None:
    """(images x 1,024) x epochs x price: 500 images, 2 epochs, 0.01 a thousand: 10.24."""
    rows = [RowTokens(total=40, messages=2, images=1) for _ in range(500)]
    quote = quote_hosted(load_target("zhipu"), "cogview-3", "full", _columns(*rows), 2, _book("zhipu.cogview-3=0.01"))
    assert (quote.tokens_billed, quote.amount) == (512_000, 10.24)


@pytest.mark.parametrize(("model", "image"), [("glm-4v", 1600), ("glm-4v-flash", 1600), ("glm-4v-plus", 2304)])
def test_zhipu_vision_adds_images_to_text(model: str, image: int) -> None:
    rows = [RowTokens(total=100, messages=2, images=2) for _ in range(10)]
    quote = quote_hosted(load_target("zhipu"), model, "lora", _columns(*rows), 1, _book(f"zhipu.{model}=1"))
    assert quote.tokens_billed == 10 * (2 * image + 100)
    assert quote.amount == float(10 * (2 * image + 100)) / 1000


def test_bailian_drops_rows_over_the_limit_of_its_api() -> None:
    columns = _columns(_text(2048), _text(2049), _text(1000))
    quote = quote_hosted(load_target("bailian"), "qwen-plus", "lora", columns, 1, _book())
    assert (quote.tokens_billed, quote.rows_over_limit, quote.max_tokens) == (3048, 1, 2048)
    assert any("dropped, not trained" in note for note in quote.notes)
    wider = quote_hosted(load_target("bailian"), "qwen-plus", "lora", columns, 1, _book(), max_tokens=4096)
    assert (wider.tokens_billed, wider.rows_over_limit) == (5097, 0)


def test_bailian_singapore_by_its_card() -> None:
    """qwen3-14b, 0.0016 USD a thousand: 1,000,000 tokens and 3 epochs make 4.80."""
    columns = _columns(*(_text(1000) for _ in range(1000)))
    quote = quote_hosted(load_target("bailian-intl"), "qwen3-14b", "lora", columns, 3, _book())
    assert (quote.amount, quote.currency, quote.as_of) == (4.8, "USD", "2026-03-17")
    assert quote.source.startswith("https://www.alibabacloud.com/")


def test_openai_cuts_rows_and_is_marked_unverified() -> None:
    columns = _columns(RowTokens(total=70_000, longest=70_000, messages=2), _text(93))
    quote = quote_hosted(load_target("openai"), "gpt-4o-mini", "full", columns, 1, _book())
    assert quote.tokens_billed == 65_536 + 93 + 2 * 4 + 3
    assert (quote.verified, quote.method) == (False, "unstated")
    assert any("fewer than 10 rows" in note for note in quote.notes)


def test_openai_rows_equal_its_cookbook() -> None:
    """The published recipe: 3 a message, every value encoded, 1 for a name, 3 a row (a role is one token)."""

    def words(texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    messages = [
        {"role": "system", "content": "be brief please"},
        {"role": "user", "content": "what time is it", "name": "ann"},
        {"role": "assistant", "content": "noon"},
    ]
    expected = 3
    for message in messages:
        expected += 3
        for key, value in message.items():
            expected += len(value.split()) + (1 if key == "name" else 0)
    example = Example([Message(m["role"], m["content"], name=m.get("name")) for m in messages])  # type: ignore[arg-type]
    row = count_example(example, Counter("words", True, words))  # type: ignore[arg-type]
    openai = load_target("openai")
    assert row_tokens(_columns(row), openai, openai.models["gpt-4o-mini"]) == [expected]


def test_a_pairs_prompt_once_or_twice() -> None:
    pair = RowTokens(total=30, trained=10, shared=10, longest=18, messages=4, pair=True)
    zhipu = load_target("zhipu")
    once = Target.model_validate({**zhipu.model_dump(), "pair_prompt": "once"})
    model = zhipu.models["glm-4-9b"]
    assert row_tokens(_columns(pair), zhipu, model) == [30]
    assert row_tokens(_columns(pair), once, model) == [20]
    quote = quote_hosted(zhipu, "glm-4-9b", "lora", _columns(pair), 1, _book())
    assert any("with chosen and with rejected" in note for note in quote.notes)


def test_a_price_that_is_not_known_is_asked_for() -> None:
    quote = quote_hosted(load_target("zhipu"), "glm-4-9b", "lora", _columns(_text(10)), 3, _book())
    assert quote.amount is None
    assert quote.tokens_billed == 10
    assert quote.formula.startswith("price not known: give --price zhipu.glm-4-9b=... (CNY per 1,000 tokens")


def test_limits_that_a_platform_does_not_allow() -> None:
    with pytest.raises(UsageError, match="takes at most 32,768 tokens"):
        quote_hosted(load_target("bailian"), "qwen-plus", "lora", _columns(_text(1)), 1, _book(), max_tokens=40_000)


def test_rows_over_a_limit() -> None:
    assert bill_rows([5, 10, 11], 10, "drop").tokens == 15
    assert bill_rows([5, 10, 11], 10, "truncate").tokens == 25
    assert bill_rows([5, 10, 11], 10, "unstated").tokens == 26
    assert bill_rows([5, 10, 11], None, "drop").rows_over == 0
    assert bill_rows([], 10, "drop").tokens == 0


@pytest.mark.parametrize("option", ["zhipu=1", "zhipu.=1", ".m=1", "zhipu.m", "zhipu.m=", "zhipu.m=x", "zhipu.m=0",
                                    "zhipu.m=-1", "zhipu.m=nan", "zhipu.m=inf"])  # fmt: skip
def test_prices_are_written_target_dot_model_equals_number(option: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        parse_prices([option])


def test_a_model_with_dots_in_its_name_can_be_priced() -> None:
    assert parse_prices(["bailian.qwen2.5-14b-instruct=0.03"]) == {("bailian", "qwen2.5-14b-instruct"): Decimal("0.03")}


def test_a_stale_card_warns_once() -> None:
    book = PriceBook({}, date(2026, 12, 1))
    for model in ("qwen3-14b", "qwen3-32b"):
        assert book.find("bailian-intl", model)
    assert len(book.warnings) == 1
    assert "259 days ago" in book.warnings[0]
    assert not _book().warnings
    given = PriceBook(parse_prices(["bailian-intl.qwen3-14b=1"]), date(2026, 12, 1))
    assert given.find("bailian-intl", "qwen3-14b")
    assert not given.warnings
