"""A row that holds an item of a benchmark.

Why is this bad?
    The score on that benchmark then says how well the model remembers it. Runs where benchmark files are given with
    `--benchmark`: an item is found where half of its n-grams stand in the row (of 8 words, or 13 characters of Chinese),
    a short one where it is all that is asked.

Options:
    benchmarks=examples/benchmark.jsonl

Bad:
    {"instruction": "Solve: A baker makes 48 rolls in the morning, and half as many in the afternoon. How many rolls does the baker make that day?", "output": "72"}

Good:
    {"instruction": "A farmer sells 48 eggs in the morning and a third as many in the evening. How many eggs does she sell?", "output": "64"}
"""  # noqa: E501

from functools import lru_cache
from pathlib import Path

from dsforge.errors import InputError, RowError
from dsforge.example import JSON, Example
from dsforge.formats.read import RowDecoder
from dsforge.io.rows import Row, RowReader
from dsforge.lint.facts import Settings
from dsforge.lint.rule import Check, ExampleRule, Report
from dsforge.lint.trigger import searched_text
from dsforge.similarity.contamination import Benchmark

_QUESTIONS = ("question", "problem", "prompt", "query", "instruction", "goal", "ctx", "text", "input", "sentence")
"""Where items of benchmarks that are in none of the formats keep what they ask."""


def _asked(example: Example) -> str:
    return "\n".join(message.text for message in example.messages if message.role == "user")


def _item(value: JSON, decode: RowDecoder) -> str:
    """What an item asks, "" where it does not say."""
    try:
        return _asked(decode(value)[1])
    except RowError:
        fields = [value.get(name) for name in _QUESTIONS] if isinstance(value, dict) else []
        return next((field for field in fields if isinstance(field, str)), "")


class _Items:
    """The items of benchmark files, and where each stands."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._places: list[str] = []
        texts: list[str] = []
        for path in paths:
            decode = RowDecoder()
            for row in RowReader(path):
                item = _item(row.value, decode) if isinstance(row, Row) else ""
                if item:
                    texts.append(item)
                    self._places.append(f"{Path(path).name} row {row.number:,}")
            if not texts:
                raise InputError(f"{path} holds no benchmark: a row needs one of the fields {', '.join(_QUESTIONS)}")
        self._benchmark = Benchmark(texts)

    def check(self, example: Example, report: Report) -> None:
        match = self._benchmark.find(_asked(example), searched_text(example))
        if match:
            shown = " ".join(match.stretch.split())
            shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
            report(f"holds {match.share:.0%} of {self._places[match.item]}: {shown!r}", help="remove the row")


@lru_cache(maxsize=2)
def _items(paths: tuple[str, ...], versions: tuple[int, ...]) -> _Items:
    return _Items(paths)


def _version(path: str) -> int:
    """When the file was written; 0 where there is none, of which its reader tells."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _prepare(settings: Settings) -> Check | None:
    return _items(settings.benchmarks, tuple(map(_version, settings.benchmarks))).check if settings.benchmarks else None


RULE = ExampleRule("D705", "error", prepare=_prepare)
