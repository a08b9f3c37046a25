"""Bills of hosted platforms: tokens x epochs x price.

Zhipu: text tokens x epochs x price per 1,000 (images: 1,024 each for text to image, 1,600 or 2,304 for
vision, by model). Bailian: (training tokens + mixed-in tokens) x epochs x price, no less than 1 token.
OpenAI: the sum over rows of min(limit, tokens) x epochs x price, for SFT and for DPO. Together:
(epochs x training tokens + evaluations x validation tokens) x price, without a minimum. Mistral: no less than
a minimum for each job. No platform says that it rounds: amounts are exact, and are rounded where they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dsforge.cost.count import Columns
from dsforge.cost.prices import Price, PriceBook, money
from dsforge.cost.quote import Quote
from dsforge.errors import UsageError
from dsforge.targets.profile import Method, OverLimit, Target, TargetModel


@dataclass(frozen=True)
class Billed:
    """The tokens of one epoch, and what became of rows over the limit."""

    tokens: int
    rows_over: int


def training_bill(
    tokens: int, epochs: int, price: Decimal, per: int = 1000, *, evaluated: int = 0, minimum: Decimal | None = None
) -> Decimal:
    """(tokens x epochs + evaluated) x price, where the price is for `per` tokens; exact, not rounded.

    `evaluated` are validation tokens times evaluations; `minimum` is what the job costs at least.
    """
    amount = (Decimal(tokens) * epochs + evaluated) * price / per
    return max(amount, minimum) if minimum else amount


def entry_of(target: Target, model: str) -> TargetModel:
    """What a target says of a model; of one that is not in its list, nothing."""
    return target.models.get(model) or TargetModel(methods=())


def row_tokens(columns: Columns, target: Target, model: TargetModel) -> list[int]:
    """What each row counts at a target: its text, the platform's own tokens, its images."""
    overhead, image_tokens = target.overhead, model.image_tokens or 0
    once = target.pair_prompt == "once"
    text = 1 if model.text_billed else 0
    return [
        text
        * (
            total
            - (shared if once else 0)
            + overhead.message * messages
            + overhead.row * (1 + pair)
            + overhead.name * names
        )
        + image_tokens * images
        for total, shared, messages, names, images, pair in zip(
            *(columns[name] for name in ("total", "shared", "messages", "names", "images", "pair")), strict=True
        )
    ]


def bill_rows(rows: list[int], limit: int | None, over_limit: OverLimit) -> Billed:
    """The tokens that are billed: rows over the limit are left out, cut, or (where unstated) counted whole."""
    over = sum(1 for tokens in rows if tokens > limit) if limit else 0
    if not limit or not over or over_limit == "unstated":
        return Billed(sum(rows), over)
    if over_limit == "drop":
        return Billed(sum(tokens for tokens in rows if tokens <= limit), over)
    return Billed(sum(min(tokens, limit) for tokens in rows), over)


def _row_limit(target: Target, model: str, method: Method, asked: int | None) -> int | None:
    highest = target.max_tokens(model, method)
    known = target.models.get(model)
    if asked and known and known.max_tokens and highest and asked > highest:
        raise UsageError(f"--max-tokens {asked:,}: {target.name} takes at most {highest:,} tokens in a row for {model}")
    return asked or target.cut_at(model, method)


def _notes(target: Target, model: TargetModel, columns: Columns, billed: Billed, limit: int | None) -> list[str]:
    notes = [target.notice] if target.notice else []
    if billed.rows_over and limit:
        fate = {
            "drop": "are dropped, not trained",
            "truncate": "are cut off there",
            "unstated": "may be cut or dropped (the platform does not say); they are counted whole",
        }[target.over_limit]
        notes.append(f"rows over {limit:,} tokens: {billed.rows_over:,}; they {fate}")
    pairs = any(columns["pair"])
    if pairs and target.pair_prompt == "unstated":
        notes.append("a pair's prompt is counted with chosen and with rejected (the platform does not say)")
    if any(columns["images"]) and model.image_tokens is None:
        notes.append(f"images are not counted: {sum(columns['images']):,} (what one counts is not stated)")
    if target.min_rows and len(columns) < target.min_rows:
        notes.append(f"takes no fewer than {target.min_rows:,} rows; there are {len(columns):,}")
    return notes


def _formula(tokens: int, epochs: int, price: Price, amount: Decimal, minimum: Decimal | None) -> str:
    least = f", no less than {minimum} {price.currency}" if minimum else ""
    return (
        f"{tokens:,} tokens x {epochs} {'epoch' if epochs == 1 else 'epochs'} x {price.amount} {price.currency} "
        f"/ {price.per:,}{least} = {money(amount)} {price.currency}"
    )


def quote_hosted(
    target: Target, model: str, method: Method, columns: Columns, epochs: int, book: PriceBook,
    max_tokens: int | None = None,
) -> Quote:  # fmt: skip
    """The bill of training `model` on the rows of `columns`; without an amount where no price is known.

    A model that the target's profile does not list is billed as the target's others are.

    Raises:
        UsageError: `max_tokens` is more than the model takes.
    """
    entry = entry_of(target, model)
    limit = _row_limit(target, model, method, max_tokens)
    billed = bill_rows(row_tokens(columns, target, entry), limit, target.over_limit)
    price, card = book.find(target.name, model), book.card(target.name)
    minimum = card.minimum if card else None
    amount = training_bill(billed.tokens, epochs, price.amount, price.per, minimum=minimum) if price else None
    if price and amount is not None:
        formula, currency = _formula(billed.tokens, epochs, price, amount, minimum), price.currency
        source, as_of, verified = price.source, price.as_of, price.verified
    else:
        formula, currency = book.ask(target.name, model), card.currency if card else ""
        source, as_of, verified = target.source, target.as_of, True
    return Quote(
        target.name, model, method if entry.methods else "unstated", billed.tokens, epochs,
        None if amount is None else float(round(amount, 4)),
        currency, formula, source, as_of.isoformat(), verified, billed.rows_over, limit,
        _notes(target, entry, columns, billed, limit),
    )  # fmt: skip
