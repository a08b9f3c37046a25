"""What a cost estimate says: the tokens, the bills, the hardware."""

from __future__ import annotations

import msgspec


class TokenSummary(msgspec.Struct, frozen=True):
    """The tokens of a dataset: text only, without what a platform adds for messages and rows.

    `max_row` is the longest sequence. `error` is the relative error stated for an approximation. `sequences` and
    `sequences_trained` are the tokens a trainer sees, through the chat template of the model, None where there is none.
    """

    total: int
    trained: int
    max_row: int
    tokenizer: str
    exact: bool
    error: float = 0.0
    note: str = ""
    sequences: int | None = None
    sequences_trained: int | None = None


class Quote(msgspec.Struct, frozen=True):
    """The bill of a hosted training. `amount` is None where the price is not known.

    `tokens_billed` are those of one epoch, after rows over the limit are dropped or cut.
    """

    target: str
    model: str
    method: str
    tokens_billed: int
    epochs: int
    amount: float | None
    currency: str
    formula: str
    source: str
    as_of: str
    verified: bool = True
    rows_over_limit: int = 0
    max_tokens: int | None = None
    notes: list[str] = []


class HardwareQuote(msgspec.Struct, frozen=True):
    """Training on GPUs: the smallest count of one kind that fits (or 8 that do not).

    `memory_gib` is for each GPU. `hours` and `amount` are the slow, dear end of `hours_range`
    (fast, slow); None where the model does not fit, `amount` also where no rent is known. `max_tokens`
    is the longest sequence, `batch_size` how many of them a GPU holds at a time. `sharding` is what the GPUs
    divide among them, `memory` the parts of `memory_gib`; `marks` says where a quote is the smallest or the
    cheapest; the hours rest on `calibrated_runs` measured runs, on a prior where there are none. A `monthly` rent is
    paid for whole months.
    """

    gpu: str
    count: int
    model: str
    method: str
    memory_gib: float
    fits: bool
    hours: float | None
    hours_range: tuple[float, float] | None
    amount: float | None
    currency: str | None
    formula: str
    source: str
    as_of: str
    max_tokens: int
    batch_size: int
    sharding: str = "none"
    memory: dict[str, float] = {}
    marks: list[str] = []
    calibrated_runs: int = 0
    monthly: bool = False
