"""Money: what a request can cost is set aside before it is sent, so that no answer can pass the budget.

Every charge is in the journal before its request is sent. A run that is killed therefore leaves behind what its
requests in flight may have cost, and the next one counts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from dsforge.augment.prices import Funds
from dsforge.augment.request import Answer, Request
from dsforge.engine.journal import Journal
from dsforge.errors import UsageError
from dsforge.tokens.counter import Counter

LONGEST_ANSWER = 4096
"""Tokens that an answer may have where there is a budget and the request does not say: without a limit nobody knows
what one answer can cost."""

_FRAME, _FRAME_OF_MESSAGE = 64, 8
"""Tokens that a chat template may put around a prompt (some begin with a system message of their own), and around
each message."""


class Charge(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request did cost by the tokens that the server reported; or, not `certain`, the most it may have."""

    amount: Decimal
    currency: str
    certain: bool = False


@dataclass(frozen=True)
class Hold:
    """Money set aside for one attempt: its number in the journal, the amount, and the bounds of its tokens.

    The number is 0 as long as the charge is in memory only.
    """

    number: int
    amount: Decimal
    prompt_tokens: int
    completion_tokens: int


class OverBudget(Exception):
    """The request was not sent: with all that is spent or in flight it could pass the budget."""


class NotYet(Exception):
    """The request does not fit now; it may, once those in flight are answered for less than is set aside for them."""


class Bound:
    """The most tokens that a prompt can have.

    The count by the model's own tokenizer where there is one. Elsewhere its bytes: every token of the tokenizers in
    use stands for one byte or more.
    """

    def __init__(self, own: Counter | None) -> None:
        self._count = own.count_many if own else _bytes

    def prompt(self, request: Request) -> int:
        """Tokens of the text and of what a chat template adds."""
        texts = [message.content for message in request.messages]
        if request.schema:  # some servers show it to the model
            texts.append(request.schema)
        return sum(self._count(texts)) + _FRAME + _FRAME_OF_MESSAGE * len(texts)


def _bytes(texts: Sequence[str]) -> list[int]:
    return [len(text.encode()) for text in texts]


class Ledger:
    """The money of one journal. Where there is a cap, spent + in flight never passes it.

    That holds as long as the server counts a prompt as no longer than `Bound` does, and keeps to the limit of answers.
    Should it count more, the surplus is added to what is set aside from then on.

    Raises:
        UsageError: on construction, where the journal holds money of another currency.
    """

    def __init__(self, funds: Funds, journal: Journal, bound: Bound) -> None:
        self.cap = funds.cap
        self.before = Decimal(0)
        """Spent by earlier runs with this journal."""
        self.spent = Decimal(0)
        """Spent in this run, what is not `certain` with it."""
        self.uncertain = Decimal(0)
        """Of both: charges of requests whose answer was lost or came without a count of tokens."""
        self.in_flight = Decimal(0)
        self.unpriced = 0
        """Answers of earlier runs whose cost nobody knows."""
        self.refused: Decimal | None = None
        """What the first request that could not be paid might have cost."""
        self._prices, self._journal, self._bound = funds.prices, journal, bound
        self._changed = asyncio.Event()
        self._prompt_surplus = self._answer_surplus = 0
        if self._prices is not None:
            self._sum_up()

    @property
    def currency(self) -> str:
        """The currency of all amounts, "" where no price is known."""
        return self._prices.currency if self._prices else ""

    @property
    def left(self) -> Decimal | None:
        """What of the cap is neither spent nor set aside, None where there is no cap."""
        return None if self.cap is None else self.cap - self.before - self.spent - self.in_flight

    def _sum_up(self) -> None:
        assert self._prices is not None
        for stored in self._journal.charges():
            charge = msgspec.json.decode(stored, type=Charge)
            if charge.currency != self.currency:
                raise UsageError(
                    f"{self._journal.path} holds money in {charge.currency}, the prices are in {self.currency}: state "
                    f"prices in {charge.currency}, or name another --journal"
                )
            self.before += charge.amount
            self.uncertain += 0 if charge.certain else charge.amount
        for stored in self._journal.uncharged():
            answer = msgspec.json.decode(stored, type=Answer)
            if answer.counted:
                self.before += self._prices.cost(answer.prompt_tokens, answer.completion_tokens)
            else:
                self.unpriced += 1

    async def reserve(self, key: bytes, request: Request) -> Hold | None:
        """Set aside the most that `request` can cost; waits for those in flight where it only may be too much.

        None where no price is known. Give the hold back by `settle`, `forfeit` or `release`.

        Raises:
            OverBudget: it does not fit. Nothing is set aside from then on, whatever it costs.
            OutputError: the journal cannot be written.
        """
        while True:
            try:
                return self.note(key, self.set_aside(request))
            except NotYet:
                self._changed.clear()
                await self._changed.wait()

    def set_aside(self, request: Request) -> Hold | None:
        """As `reserve`, in memory only and without waiting: `note` it before the request is sent.

        Raises:
            NotYet: it does not fit while others are in flight.
            OverBudget: it does not fit.
        """
        if self._prices is None:
            return None
        prompt, longest = self._bound.prompt(request), request.max_tokens or LONGEST_ANSWER
        amount = self._prices.cost(prompt + self._prompt_surplus, longest + self._answer_surplus)
        if self.refused is None and self.left is not None and amount > self.left:
            if self.in_flight:
                raise NotYet
            self.refused = amount
            self._changed.set()  # those that wait for money need wait no more
        if self.refused is not None:
            raise OverBudget
        self.in_flight += amount
        return Hold(0, amount, prompt, longest)

    def note(self, key: bytes, hold: Hold | None) -> Hold | None:
        """Put what was set aside into the journal, so that it counts should the run be killed.

        Raises:
            OutputError: the journal cannot be written.
        """
        return hold and replace(hold, number=self._journal.charge(key, self._charge(hold.amount)))

    def take_over(self, hold: Hold | None) -> None:
        """Count as in flight what an earlier run set aside and what is still to be answered."""
        if hold is not None:
            self.in_flight += hold.amount
            if self._prices is not None:
                self.before -= hold.amount
                self.uncertain -= hold.amount

    def settle(self, hold: Hold | None, key: bytes, answer: Answer) -> None:
        """Keep an answer in the journal, with what it cost by the server's count, else with what was set aside.

        Raises:
            OutputError: the journal cannot be written.
        """
        kept = msgspec.json.encode(answer)
        if hold is None or self._prices is None:
            self._journal.put(key, kept)
            return
        if not answer.counted:
            self._journal.settle(hold.number, self._charge(hold.amount), key, kept)
            self.forfeit(hold)
            return
        amount = self._prices.cost(answer.prompt_tokens, answer.completion_tokens)
        self._prompt_surplus = max(self._prompt_surplus, answer.prompt_tokens - hold.prompt_tokens)
        self._answer_surplus = max(self._answer_surplus, answer.completion_tokens - hold.completion_tokens)
        self._journal.settle(hold.number, self._charge(amount, certain=True), key, kept)
        self._take(hold, amount)

    def forfeit(self, hold: Hold | None) -> None:
        """Count as spent what was set aside: the answer was lost, and may have been made."""
        if hold is not None:
            self.uncertain += hold.amount
            self._take(hold, hold.amount)

    def release(self, hold: Hold | None) -> None:
        """Free what was set aside: the server did not answer the request, so it costs nothing."""
        if hold is not None:
            self._journal.release(hold.number)
            self._take(hold, Decimal(0))

    def _take(self, hold: Hold, amount: Decimal) -> None:
        self.in_flight -= hold.amount
        self.spent += amount
        self._changed.set()

    def _charge(self, amount: Decimal, certain: bool = False) -> bytes:
        return msgspec.json.encode(Charge(amount, self.currency, certain))
