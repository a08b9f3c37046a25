"""What dataset rules need to know of every row, gathered column by column while rows stream by."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from dsforge.errors import UsageError
from dsforge.similarity.compared import Compared

Need: TypeAlias = Literal["tokens", "keys", "documents"]
"""Facts that cost time or memory, gathered only for the rules that ask for them."""


class Settings(msgspec.Struct, frozen=True):
    """What the user says about the run.

    `max_tokens` is the longest row the trainer takes, counted by `tokenizer`; `target` and `model` name
    a hosted platform's profile, which then gives the limits.
    """

    format: str = "auto"
    max_tokens: int | None = None
    tokenizer: str = ""
    target: str = ""
    model: str = ""
    over_limit: str = ""
    target_formats: tuple[str, ...] = ()
    target_min_rows: int = 0
    strict: bool = True

    def with_text(self, options: dict[str, str]) -> Settings:
        """These settings with some replaced, given as text (`max_tokens=5`), as rule documentation writes them."""
        known = msgspec.structs.asdict(self)
        for name in options:
            if name not in known:
                raise UsageError(f"no lint setting {name!r}")
        values = {
            name: value.split(",") if isinstance(known[name], tuple) else value for name, value in options.items()
        }
        return msgspec.convert({**known, **values}, Settings, strict=False)


class Facts(msgspec.Struct):
    """One entry per decoded row in every column.

    `path`, `row`, `line` say where it stands, `format` what it was decoded by. `key` is the 16-byte key under
    which `dsforge dedup` meets exact copies, `prompt_key` the same of what is asked (under an equal system
    prompt). `tokens` is the length of the row's longest sequence: text alone, what a chat template adds
    comes on top. `documents` is what near-duplicates are compared by. Columns that no rule needs are empty.
    """

    path: list[str] = []
    row: list[int] = []
    line: list[int] = []
    column: list[int] = []
    format: list[str] = []
    category: list[str | None] = []
    preference: list[bool] = []
    tokens: list[int] = []
    prompt_key: list[bytes] = []
    key: list[bytes] = []
    documents: list[Compared] = []
    tokenizer: str = ""

    def __len__(self) -> int:
        return len(self.row)

    def extend(self, other: Facts, rows_before: int, lines_before: int) -> None:
        """Append the facts of a later chunk, whose rows and lines count from its own beginning."""
        self.row.extend(row + rows_before for row in other.row)
        self.line.extend(line + lines_before for line in other.line)
        for name in ("path", "column", "format", "category", "preference",
                     "tokens", "prompt_key", "key", "documents"):  # fmt: skip
            getattr(self, name).extend(getattr(other, name))
        self.tokenizer = self.tokenizer or other.tokenizer

    def where(self, index: int, seen_from: int) -> str:
        """A row for people: `row 12`, with its file where that is not the file of row `seen_from`."""
        elsewhere = "" if self.path[index] == self.path[seen_from] else f" of {self.path[index]}"
        return f"row {self.row[index]:,}{elsewhere}"
