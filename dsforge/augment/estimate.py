"""What a run would ask for and cost, without asking: requests, the tokens of their prompts, and money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.gate import Gate
from dsforge.augment.prices import Funds
from dsforge.augment.request import Request
from dsforge.augment.result import Estimate
from dsforge.augment.seeds import CheckSeed, Find, SeedReader
from dsforge.augment.talk import Talker
from dsforge.augment.wish import Wish
from dsforge.engine.journal import Journal
from dsforge.errors import DsforgeError
from dsforge.tokens.counter import DEFAULT, Counter, get_counter

_BATCH = 1000


def counter_of(model: str) -> Counter:
    """The tokenizer of the model where it is known here, else the default one, which then is an approximation."""
    try:
        return get_counter(model)
    except DsforgeError:
        return get_counter(DEFAULT)


def own_counter(model: str) -> Counter | None:
    """The model's own tokenizer, None where it is not known here."""
    counter = counter_of(model)
    return counter if counter.exact and counter.name == model else None


def estimate(
    source: str,
    wish: Wish,
    server: str,
    journal: Path,
    funds: Funds | None = None,
    find: Find | None = None,
    check_seed: CheckSeed | None = None,
    with_seeds: bool = False,
) -> Estimate:
    """Count what `augment` would ask `server` for; nothing is sent or written.

    An answer is expected to be as long as the text of the seed that the method writes anew (where it writes several,
    as all texts of the seed), or as `max_tokens` allows. What is asked once more, as its answer cannot be read, is not
    counted.

    Raises:
        UsageError, ConfigError, InputError
    """
    funds = funds or Funds()
    seeds = SeedReader(source, wish, find, check_seed, with_seeds=with_seeds)
    counter = counter_of(wish.model)
    own = own_counter(wish.model)
    result = Estimate(tokenizer=counter.name, exact=own is not None, note=counter.note)
    purse = _Purse(funds, Bound(own), wish.max_tokens or (LONGEST_ANSWER if funds.cap is not None else None), result)
    asked: set[bytes] = set()
    with ExitStack() as stack:
        answers = stack.enter_context(Journal(journal)) if journal.is_file() else None
        if answers is not None and funds.prices is not None:
            result.spent = Ledger(funds, answers, Bound(own)).before
        wanted = _wanted(seeds, wish)
        while batch := list(islice(wanted, _BATCH)):
            new: list[tuple[Request, str]] = []
            for request, text in batch:
                key = request.key(server)
                if key in asked or (answers is not None and answers.get(key) is not None):
                    result.from_journal += 1
                    continue
                asked.add(key)
                new.append((request, text))
            result.requests += len(new)
            _count(new, counter, wish.max_tokens, purse)
    result.rows_in, result.rows_rejected = seeds.rows_in, len(seeds.rejects)
    result.first_reject = seeds.rejects[0].reason if seeds.rejects else ""
    return result


def _wanted(seeds: SeedReader, wish: Wish) -> Iterator[tuple[Request, str]]:
    """Every request, with a text about as long as its answer."""
    talker = Talker(seeds, wish, Gate(seeds.method))
    for seed in seeds:
        for number in range(seed.count):
            yield from talker.requests(seed, number + 1)


def _count(new: Sequence[tuple[Request, str]], counter: Counter, max_tokens: int | None, purse: _Purse) -> None:
    """Add the tokens and the money of a batch; the tokenizer sees all its texts at once, which is faster."""
    texts = [
        [message.content for message in request.messages] + [request.schema] * bool(request.schema)
        for request, _ in new
    ]
    prompts = iter(counter.count_many([text for each in texts for text in each]))
    answers = counter.count_many([text for _, text in new])
    for (request, _), each, expected in zip(new, texts, answers, strict=True):
        prompt = sum(islice(prompts, len(each)))
        purse.add(request, prompt, expected if max_tokens is None else min(expected, max_tokens))


@dataclass
class _Purse:
    """Sums up tokens and money in `result`. `longest` is the limit of an answer, None where it has none."""

    funds: Funds
    bound: Bound
    longest: int | None
    result: Estimate

    def __post_init__(self) -> None:
        if self.funds.prices is not None:
            self.result.currency = self.funds.prices.currency
            self.result.cost = self.result.spent = Decimal(0)
            self.result.most = None if self.longest is None else Decimal(0)

    def add(self, request: Request, prompt_tokens: int, completion_tokens: int) -> None:
        """One request: tokens as they are counted and expected."""
        result, prices = self.result, self.funds.prices
        result.prompt_tokens += prompt_tokens
        result.completion_tokens += completion_tokens
        if prices is None:
            return
        result.cost = (result.cost or 0) + prices.cost(prompt_tokens, completion_tokens)
        if self.longest is not None:
            result.most = (result.most or 0) + prices.cost(self.bound.prompt(request), self.longest)
