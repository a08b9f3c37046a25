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

from dsforge.example import Example
from dsforge.lint.facts import Settings
from dsforge.lint.rule import Check, ExampleRule, Report
from dsforge.lint.trigger import searched_text
from dsforge.similarity.contamination import asked_by_user, read_benchmark


class _Items:
    """The items of benchmark files, and where each stands."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._benchmark, self._items = read_benchmark(paths)

    def check(self, example: Example, report: Report) -> None:
        match = self._benchmark.find(asked_by_user(example), searched_text(example))
        if match:
            item = self._items[match.item]
            shown = " ".join(match.stretch.split())
            shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
            report(f"holds {match.share:.0%} of {Path(item.path).name} row {item.row:,}: {shown!r}",
                   help="remove the row")  # fmt: skip


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
