"""What a run would ask for, without asking: requests and the tokens of their prompts."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from dsforge.augment.request import Request
from dsforge.augment.result import Estimate
from dsforge.augment.seeds import SeedReader, Wish
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


def estimate(source: str, wish: Wish, server: str, journal: Path) -> Estimate:
    """Count what `augment` would ask `server` for; nothing is sent or written.

    Raises:
        UsageError, ConfigError, InputError
    """
    seeds = SeedReader(source, wish)
    counter = counter_of(wish.model)
    result = Estimate(tokenizer=counter.name, exact=counter.exact and counter.name == wish.model, note=counter.note)
    asked: set[bytes] = set()
    with ExitStack() as stack:
        answers = stack.enter_context(Journal(journal)) if journal.is_file() else None
        requests = (request for seed in seeds for request in seed.requests)
        while batch := list(islice(requests, _BATCH)):
            new: list[Request] = []
            for request in batch:
                key = request.key(server)
                if key in asked or (answers is not None and answers.get(key) is not None):
                    result.from_journal += 1
                    continue
                asked.add(key)
                new.append(request)
            result.requests += len(new)
            result.prompt_tokens += sum(
                counter.count_many([message.content for request in new for message in request.messages])
            )
    result.rows_in, result.rows_rejected = seeds.rows_in, len(seeds.rejects)
    result.first_reject = seeds.rejects[0].reason if seeds.rejects else ""
    return result
