"""What dataset rules need to know of every row, gathered column by column while rows stream by.

Columns are arrays, for there may be many millions of rows: about 150 bytes for each.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from dsforge.errors import UsageError
from dsforge.similarity.compared import Compared

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

    Numbers: TypeAlias = "array[int]"
else:
    Numbers = array  # which takes no parameter before Python 3.12

Need: TypeAlias = Literal["tokens", "keys", "documents", "lengths", "answers", "systems", "questions"]
"""Facts that cost time or memory, gathered only for the rules that ask for them."""


class Settings(msgspec.Struct, frozen=True):
    """What the user says about the run.

    `max_tokens` is the longest row the trainer takes, counted by `tokenizer`; `target` and `model` name the profile of
    a hosted platform or a trainer (or are a path to one), which then gives the limits. `category_field` is the field
    of a row that names its category, `meta.topic` for one within another. `min_rows` is how many rows the user wants.
    `words` is a folder of word lists in place of dsforge's, `benchmarks` are files whose items no row should hold.
    """

    format: str = "auto"
    max_tokens: int | None = None
    tokenizer: str = ""
    target: str = ""
    model: str = ""
    category_field: str = "category"
    min_rows: int = 0
    words: str = ""
    benchmarks: tuple[str, ...] = ()

    def profile(self) -> Target | None:
        """The profile of the target, None where none is named."""
        if not self.target:
            return None
        from dsforge.targets.load import load_target  # reads YAML, and checks it

        return load_target(self.target)

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


NO_LABEL = 2


class Texts:
    """A column of short texts, of which none is an object of its own: half the memory of a list of them."""

    __slots__ = ("_ends", "_text")

    def __init__(self, text: bytes = b"", ends: bytes = b"") -> None:
        self._text = bytearray(text)
        self._ends = array("Q", ends)

    def append(self, text: str) -> None:
        """Add a text."""
        self._text += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))

    def extend(self, other: Texts) -> None:
        """Add the texts of another column."""
        before = len(self._text)
        self._text += other._text
        self._ends.extend(before + end for end in other._ends)

    def parts(self) -> tuple[bytes, bytes]:
        """What the constructor takes."""
        return bytes(self._text), self._ends.tobytes()

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = self._ends[index - 1] if index else 0
        return self._text[start : self._ends[index]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._ends:
            yield self._text[start:end].decode("utf-8", "surrogatepass")
            start = end


def _numbers(code: str) -> Any:
    return msgspec.field(default_factory=lambda: array(code))


def _texts() -> Any:
    return msgspec.field(default_factory=Texts)


def pack(value: object) -> object:
    """A column as msgpack can hold it; for `enc_hook`."""
    if isinstance(value, Texts):
        return value.parts()
    if isinstance(value, array):
        return value.typecode, value.tobytes()
    raise NotImplementedError(type(value))


def unpack(kind: type, packed: tuple[Any, Any]) -> object:
    """What `pack` packed; for `dec_hook`."""
    return kind(*packed)


class Facts(msgspec.Struct):
    """One entry per decoded row in every column.

    `path`, `row`, `line` say where it stands, `format` what it was decoded by; `label` is its KTO label, 0 or 1, or
    NO_LABEL. Columns that no rule needs are empty. `waived` are the codes that a row itself asks not to be told of, by
    index.

    - keys: `key` is equal for rows that `dsforge dedup` takes for exact copies, `prompt_key` for those that ask the
      same (under an equal system prompt); 64 bits, which two of 10^7 rows share with a chance of 3 in a million;
    - tokens: `tokens` is the length of the row's longest sequence, text alone, what a chat template adds comes on top;
      `prompt_tokens` is the part of it that is not trained, `answers` how many answers are;
    - documents: what near-duplicates are compared by;
    - lengths: characters of the prompt, of the completion (of a pair the chosen one) and of the rejected answer;
    - answers, all of the last answer (of a pair the chosen one): `answer_key` is the CRC-32 of its text, `opening` its
      first characters, `ending` how it ends (a number of rules.length.endings), `reasons` whether it has reasoning;
      `script` what the last question is written in (a number of rules.balance.scripts);
    - systems: `system` is the key of the system prompt, 0 where there is none, `system_look` that of its letters and
      digits alone;
    - questions: the first characters of the last question.
    """

    path: list[str] = []
    row: Numbers = _numbers("Q")
    line: Numbers = _numbers("Q")
    column: Numbers = _numbers("I")
    format: list[str] = []
    category: list[str | None] = []
    preference: bytearray = msgspec.field(default_factory=bytearray)
    label: bytearray = msgspec.field(default_factory=bytearray)
    tokens: Numbers = _numbers("Q")
    prompt_tokens: Numbers = _numbers("Q")
    answers: bytearray = msgspec.field(default_factory=bytearray)
    prompt_key: Numbers = _numbers("Q")
    key: Numbers = _numbers("Q")
    documents: list[Compared] = []
    prompt_characters: Numbers = _numbers("I")
    completion_characters: Numbers = _numbers("I")
    rejected_characters: Numbers = _numbers("I")
    answer_key: Numbers = _numbers("I")
    opening: Texts = _texts()
    script: bytearray = msgspec.field(default_factory=bytearray)
    ending: bytearray = msgspec.field(default_factory=bytearray)
    reasons: bytearray = msgspec.field(default_factory=bytearray)
    system: Numbers = _numbers("I")
    system_look: Numbers = _numbers("I")
    question: Texts = _texts()
    tokenizer: str = ""
    waived: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.row)

    def extend(self, other: Facts, rows_before: int, lines_before: int) -> None:
        """Append the facts of a later chunk, whose rows and lines count from its own beginning."""
        self.waived.update({index + len(self): codes for index, codes in other.waived.items()})
        self.row.extend(row + rows_before for row in other.row)
        self.line.extend(line + lines_before for line in other.line)
        for name in _COLUMNS:
            column = getattr(other, name)
            getattr(self, name).extend(_shared(column) if name in _REPEATED else column)
        self.tokenizer = self.tokenizer or other.tokenizer

    def repeated(self, column: Numbers) -> Iterator[tuple[int, int]]:
        """`(index, value)` of the rows whose value in a column other rows have too."""
        if len(set(column)) == len(column):
            return iter(())
        often = {value for value, count in Counter(column).items() if count > 1}
        return ((index, value) for index, value in enumerate(column) if value in often)

    def where(self, index: int, seen_from: int) -> str:
        """A row for people: `row 12`, with its file where that is not the file of row `seen_from`."""
        elsewhere = "" if self.path[index] == self.path[seen_from] else f" of {self.path[index]}"
        return f"row {self.row[index]:,}{elsewhere}"


def _shared(column: list[str | None]) -> Iterable[str | None]:
    """The texts of a column, equal ones as one object: a column that came from another process has them many times."""
    known: dict[str | None, str | None] = {}
    return (known.setdefault(text, text) for text in column)


_REPEATED = frozenset({"path", "format", "category"})
_COLUMNS = tuple(name for name in Facts.__struct_fields__ if name not in ("row", "line", "tokenizer", "waived"))
"""What is the same wherever the row stands."""
