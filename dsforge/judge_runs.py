"""Has a judge model compare the answers of a run with those of its base: what share of rows the trained model wins.

Each pair is asked about in both orders, by the prompt that augment's preference method judges by. A row counts 1 where
the trained model's answer is better both times, 0 where it is worse both times, 1/4 steps between: a judge that always
prefers the first answer comes out at 1/2. Two answers that are the same are a tie, and are not asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dsforge.augment.ask import Asker, Failed, Stopped, Usage
from dsforge.augment.budget import LONGEST_ANSWER, Bound, Ledger
from dsforge.augment.client import Client
from dsforge.augment.estimate import own_counter
from dsforge.augment.method import NUMBER, Ask, Unusable, get_method
from dsforge.augment.methods.preference import FIRST, TIE, judgement
from dsforge.augment.prompt import Prompt, prompt_path
from dsforge.augment.request import Request
from dsforge.augment.run import Asking
from dsforge.augment.server import Server
from dsforge.augment.turns import Turn, language_of
from dsforge.engine.journal import Journal
from dsforge.errors import ServiceError
from dsforge.similarity.key import normalise
from dsforge.train.evaluate import Sample
from dsforge.train.figures import Figure, Scores, figure

JUDGED = "judged.sqlite"
"""The journal of a judge's verdicts, in the folder of a run."""
_PROMPT = "preference"
_DRAWS = 2  # an answer that cannot be read is asked for once more


@dataclass(frozen=True)
class Verdict:
    """What a judge says of the answers to a row: 1 for the trained model, 0 for its base, or between."""

    row: int
    score: float
    contradicted: bool = False
    """Both times the first answer was preferred, or both times the second."""


@dataclass(frozen=True)
class Judged:
    """What a judge `model` says of the rows; `unread` are those that it gave no verdict of, and why the first."""

    model: str
    verdicts: list[Verdict]
    unread: int
    problem: str
    usage: Usage

    @property
    def win_rate(self) -> Figure | None:
        """The mean score with its interval; None where there is no verdict."""
        return figure(Scores.of_rows([verdict.score for verdict in self.verdicts])) if self.verdicts else None

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows won, tied and lost."""
        won = sum(verdict.score > 0.5 for verdict in self.verdicts)
        lost = sum(verdict.score < 0.5 for verdict in self.verdicts)
        return won, len(self.verdicts) - won - lost, lost

    @property
    def contradicted(self) -> int:
        """Rows in which the place of an answer decided, not the answer."""
        return sum(verdict.contradicted for verdict in self.verdicts)


def judge(
    answered: Sequence[Sample], model: str, server: Server, journal: Path, asking: Asking | None = None
) -> Judged:
    """Have `model` compare both answers of each row; every verdict is in the journal before it counts.

    Raises:
        UsageError, ConfigError, InputError, OutputError, MissingExtraError: before anything is asked.
        ServiceError: the server cannot be reached, or refuses all requests.
    """
    asking = asking or Asking()
    prompt = Prompt(prompt_path(_PROMPT), get_method(_PROMPT).names)
    with Journal(journal) as held:
        return asyncio.run(_judge(answered, model, server, held, asking, prompt))


async def _judge(
    answered: Sequence[Sample], model: str, server: Server, journal: Journal, asking: Asking, prompt: Prompt
) -> Judged:
    longest = None if asking.funds.cap is None else LONGEST_ANSWER
    client = Client(server, asking.patience.timeout, longest, asking.pace.heard)
    ledger = Ledger(asking.funds, journal, Bound(own_counter(model) if asking.funds.prices else None))
    asker = Asker(client, journal, ledger, asking.pace, asking.concurrency, asking.patience, asking.on_change)
    asker.usage.wanted = 2 * sum(not _same(sample) for sample in answered)
    try:
        found = await asyncio.gather(*(_verdict(sample, model, asker, prompt) for sample in answered))
    finally:
        await client.close()
    if asker.error is not None:
        raise ServiceError(f"{asker.error}; the same command goes on from what was answered")
    problems = [each for each in found if isinstance(each, str)]
    verdicts = [each for each in found if isinstance(each, Verdict)]
    return Judged(model, verdicts, len(problems), problems[0] if problems else "", asker.usage)


def _same(sample: Sample) -> bool:
    return normalise(sample.before or "") == normalise(sample.after)


async def _verdict(sample: Sample, model: str, asker: Asker, prompt: Prompt) -> Verdict | str:
    """The verdict on a row, or why there is none."""
    if _same(sample):
        return Verdict(sample.row, 0.5)
    before = sample.before or ""
    try:
        first, second = await asyncio.gather(
            _score(sample, judgement(sample.after, before), model, asker, prompt),
            _score(sample, judgement(before, sample.after), model, asker, prompt),
        )
    except Unusable as error:
        return f"row {sample.row}: {error.reason}"
    except Failed as error:
        return f"row {sample.row}: {error}"
    except Stopped:
        return f"row {sample.row}: not asked"
    # the second time the trained model's answer stood second
    return Verdict(sample.row, (first + 1 - second) / 2, contradicted=first == second != 0.5)


async def _score(sample: Sample, ask: Ask, model: str, asker: Asker, prompt: Prompt) -> float:
    """1 where the answer that is shown first is better, 0 where it is worse, 1/2 for a tie."""
    turns = [Turn("prompt", sample.prompt)]
    values = {"turns": turns, "language": language_of(sample.prompt), NUMBER: 1, **ask.values}
    messages = prompt.render(values)
    for draw in range(1, _DRAWS + 1):
        answer = await asker.ask(Request(model, messages, draw=draw, temperature=0.0, schema=ask.schema))
        try:
            better = ask.read(answer.text)
        except Unusable:
            if draw == _DRAWS:
                raise
        else:
            break
    return 0.5 if better == TIE else float(better == FIRST)
