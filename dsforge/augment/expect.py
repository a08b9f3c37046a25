"""How many answers a run will need, told from its input before that is read."""

from __future__ import annotations

from pathlib import Path

from dsforge.augment.wish import Wish

_BLOCK = 1 << 20


def expected_answers(source: str, wish: Wish) -> int:
    """The rows of a JSONL file by its line ends, times the rows wanted from each; 0 where it is no such file."""
    path = Path(source)
    if path.suffix != ".jsonl" or not path.is_file():
        return 0
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
    answers = lines * wish.per_row
    return answers if wish.rows is None else min(answers, wish.rows)
