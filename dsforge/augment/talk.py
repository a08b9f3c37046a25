"""The talk with a model that makes one row: its questions, their answers read, one asked again that cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from dsforge.augment.gate import Gate, text_of
from dsforge.augment.judging import Score, judging
from dsforge.augment.method import Ask, Method, Steps, Unusable
from dsforge.augment.request import Answer, Request
from dsforge.augment.seeds import Seed, SeedReader
from dsforge.augment.wish import Wish
from dsforge.example import Example


class Asks(Protocol):
    """Who answers requests (see `Asker`)."""

    async def ask(self, request: Request) -> Answer:
        """The answer to a request."""
        ...


@dataclass(frozen=True)
class Made:
    """A row made: the last answer that it was made of, and the score that it was given, if any."""

    example: Example
    answer: Answer
    score: Score | None = None


class Dropped(Exception):
    """The talk made no row, for the reason said; `answer` is the last one of it."""

    def __init__(self, reason: str, answer: Answer) -> None:
        super().__init__(reason)
        self.reason, self.answer = reason, answer


class Talker:
    """Makes rows of seeds by the method of a wish."""

    def __init__(self, seeds: SeedReader, wish: Wish, gate: Gate) -> None:
        self._seeds, self._wish, self._gate = seeds, wish, gate
        self._method: Method = seeds.method

    async def make(self, asks: Asks, seed: Seed, number: int) -> Made:
        """Row `number` (from 1) of `seed`.

        Raises:
            Dropped: the answers make none.
            Failed, Stopped, OutputError: as `Asker.ask` does.
        """
        steps = self._steps(seed, number)
        questions = next(steps)
        while True:
            read = await _all_of(self._read(asks, seed, number, question) for question in questions)
            answer = read[-1].answer
            try:
                questions = steps.send([each.value for each in read])
            except StopIteration as made:
                return await self._scored(asks, seed, number, Made(made.value, answer))
            except Unusable as error:
                raise Dropped(error.reason, answer) from None

    def requests(self, seed: Seed, number: int) -> Iterator[tuple[Request, str]]:
        """What `make` would ask as far as that can be told beforehand, each with a text about as long as its answer."""
        steps = self._steps(seed, number)
        questions = next(steps)
        example = seed.example
        while questions:
            for question in questions:
                yield self._seeds.request(seed, number, question), question.expected
            try:
                questions = steps.send([question.likely for question in questions])
            except StopIteration as made:
                example, questions = made.value, []
            except Unusable:
                questions = []
        if self._wish.min_score is not None:
            question = judging(example, self._wish.rubric)
            yield self._seeds.request(seed, number, question), question.expected

    def _steps(self, seed: Seed, number: int) -> Steps:
        method = self._method
        if method.steps is None:
            return self._one_step(seed)
        return self._checked(seed, method.steps(seed.example, number, self._wish))

    def _one_step(self, seed: Seed) -> Steps:
        method, write = self._method, self._method.write
        assert write is not None

        def read(text: str) -> Example:
            return self._gate.checked(seed.example, write(seed.example, text))

        several = bool(method.schema)
        expected = "\n".join(turn.text for turn in seed.example.messages) if several else method.text(seed.example)
        answers: list[Example] = yield [Ask(read, expected, seed.example, schema=method.schema)]
        return answers[0]

    def _checked(self, seed: Seed, steps: Steps) -> Steps:
        example = yield from steps
        return self._gate.checked(seed.example, example)

    async def _scored(self, asks: Asks, seed: Seed, number: int, made: Made) -> Made:
        """A row with the score that the model gives it, where one is wanted."""
        least = self._wish.min_score
        if least is None:
            return made
        read = await self._read(asks, seed, number, judging(made.example, self._wish.rubric))
        score: Score = read.value
        if score.score < least:
            raise Dropped(f"judge score {score.score} below {least}", made.answer)
        return Made(made.example, made.answer, score)

    async def _read(self, asks: Asks, seed: Seed, number: int, question: Ask) -> _Read:
        """What is read of the answer to a question; one that cannot be read is asked for once more."""
        request = self._seeds.request(seed, number, question)
        before = self._method.text(seed.example)
        again = True
        while True:
            answer = await asks.ask(request)
            try:
                return _Read(_value(question, answer, before), answer)
            except Unusable as error:
                if not (again and error.again):
                    raise Dropped(error.reason, answer) from None
                request, again = self._seeds.again(request, answer.text, error.reason, seed), False


def _value(question: Ask, answer: Answer, before: str) -> Any:
    """What a question makes of an answer. No answer, once it is in the journal, may end a run again and again.

    Raises:
        Unusable: it makes nothing of it.
    """
    text = text_of(answer, before)
    try:
        return question.read(text)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unusable(f"it cannot be read ({type(error).__name__})") from error


class _Read(NamedTuple):
    value: Any
    answer: Answer


async def _all_of(each: Iterator[Awaitable[_Read]]) -> list[_Read]:
    """All results, once all have ended; the first error where there is one."""
    results = await asyncio.gather(*each, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, _Read)]
