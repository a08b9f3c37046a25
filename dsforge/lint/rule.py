"""What a rule is: a code, a severity, and a pure check that reports through a callback.

A rule lives in a file of its own under rules/FAMILY/, named by what is wrong; its docstring is its
documentation (`dsforge rule CODE` prints it) and its examples are run as tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from dsforge.example import JSON, Example
from dsforge.finding import Severity
from dsforge.io.diagnose import ProblemKind
from dsforge.io.rows import FlawKind
from dsforge.lint.edit import Edit
from dsforge.lint.facts import Facts, Need, Settings
from dsforge.lint.kinds import Concern
from dsforge.registry import discover

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

FAMILIES = {
    "J": "bytes and JSON",
    "S": "schema",
    "T": "turns and tools",
    "L": "length",
    "B": "balance and distribution",
    "Q": "text quality",
    "P": "privacy and safety",
    "D": "duplicates and leakage",
    "X": "target platform",
}


class Report(Protocol):
    """Reports a finding in an example: what is wrong, where, how to mend it by hand, and how `--fix` would.

    `at` is the number of a message, counted from 0 over messages, chosen and rejected (as `Example.all_messages` has
    them), or a JSON Pointer into the row. `span` are the characters `(start, end)` of that message's `text` that are
    wrong. `beside` are places beside that text (`tool_calls/0/id`), or in the row (`/tools/0`), of which the first that
    the row has is told in its stead. `fix` is what to write in place of the span (of the whole text where there is
    none), or an edit of the row, whose pointer may begin with `../` for what stands beside the text of message `at`. A
    rule that gives one says by its own `fix` whether that is safe.
    """

    def __call__(
        self,
        message: str,
        at: int | str = "",
        help: str = "",
        *,
        span: tuple[int, int] | None = None,
        fix: str | Edit | None = None,
        beside: Sequence[str] = (),
    ) -> None: ...


class DatasetReport(Protocol):
    """Reports a finding on the row at `index` of the facts, or on the dataset as a whole (None).

    `remove` is whether `--unsafe-fixes` takes the row out of the file. `rows` are the indexes of all rows that it is
    true of, where it is told once for many.
    """

    def __call__(
        self, message: str, index: int | None = None, help: str = "", *, remove: bool = False,
        rows: Sequence[int] | None = None,
    ) -> None: ...  # fmt: skip


class Seen(NamedTuple):
    """A row as a target's rules see it: parsed, the name of the format it was decoded by, and decoded.

    `waived` are the codes that it asks to be spared from, by a field that is taken out of `value`.
    """

    value: JSON
    format: str
    example: Example
    waived: frozenset[str] = frozenset()


TargetCheck: TypeAlias = "Callable[[Seen, Target, Report], None]"
"""Reports what a target does not take of a row."""

Check: TypeAlias = Callable[[Example, Report], None]
"""Reports what is wrong with an example."""

Applicability: TypeAlias = Literal["", "safe", "unsafe"]
"""What `--fix` may do: nothing, mend what cannot be meant otherwise, or only with `--unsafe-fixes`."""


@dataclass(frozen=True)
class Rule:
    """What every rule has. `name` and `doc` come from its file; `default` is whether it runs unasked.

    `fix` says whether the changes that it offers are safe: they keep what the row says to a model.
    """

    code: str
    severity: Severity
    default: bool = field(default=True, kw_only=True)
    fix: Applicability = field(default="", kw_only=True)
    name: str = field(default="", kw_only=True)
    doc: str = field(default="", kw_only=True, repr=False)


@dataclass(frozen=True)
class BytesRule(Rule):
    """Covers mistakes of certain kinds that the reader finds in and between rows."""

    kinds: frozenset[ProblemKind | FlawKind] = frozenset()


@dataclass(frozen=True)
class DecodingRule(Rule):
    """Covers the errors with its code that formats raise while decoding."""


@dataclass(frozen=True)
class ExampleRule(Rule):
    """Checks one example at a time.

    `triggers` are texts: where none of them stands in the row, whatever its capitals and digits (`0.0` is any two with
    a point between), the rule finds nothing, and is not asked. `concerns` names kinds of rows, of which the row has to
    be one. A rule with neither is asked about every row, so it must be fast. A check that depends on the settings is
    made by `prepare`; None is none, for these settings.
    """

    check: Check = lambda example, report: None
    triggers: tuple[str, ...] = ()
    concerns: tuple[Concern, ...] = ()
    prepare: Callable[[Settings], Check | None] | None = None


@dataclass(frozen=True)
class TargetRule(Rule):
    """Checks what the target asks of each row; runs where one is given with `--target`.

    `applies` is whether it has anything to find for a target (None: for any), `formats` are those of the rows that it
    is asked about (none given: any).
    """

    check: TargetCheck = lambda seen, target, report: None
    applies: Callable[[Target], bool] | None = None
    formats: Container[str] = ()


@dataclass(frozen=True)
class DatasetRule(Rule):
    """Checks the facts of all rows once they are read; `needs` names the facts that cost something."""

    check: Callable[[Facts, Settings, DatasetReport], None] = lambda facts, settings, report: None
    needs: frozenset[Need] = frozenset()


@lru_cache(maxsize=1)
def all_rules() -> dict[str, Rule]:
    """Every rule by code, found by a walk over rules/.

    Raises:
        TypeError: two rules share a code, or a module's RULE is no rule.
    """
    rules: dict[str, Rule] = {}
    for module, value in discover("dsforge.lint.rules", "RULE"):
        if not isinstance(value, Rule):
            raise TypeError(f"{module.__name__}.RULE is not a Rule")
        if value.code in rules:
            raise TypeError(f"{module.__name__} and {rules[value.code].name} share the code {value.code}")
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        rules[value.code] = replace(value, name=name, doc=cleandoc(module.__doc__ or ""))
    return dict(sorted(rules.items()))


_SECTION = re.compile(
    r"^(Why is this bad\?|Bad|Good|Options)(?: in ([\w.-]+))?(?: \((escaped)\))?:?\n((?:(?:    .*)?\n)+)", re.MULTILINE
)
EXAMPLE_FILE = "rows.jsonl"
"""The name of an example's file where its docstring gives none."""


@dataclass(frozen=True)
class Documentation:
    """A rule's docstring, taken apart.

    `bad` and `good` are files by name (`Bad in train.jsonl:`, else the name is `rows.jsonl`), `options` settings by
    name.
    """

    summary: str
    why: str
    bad: dict[str, bytes]
    good: dict[str, bytes]
    options: dict[str, str]


def documentation(rule: Rule) -> Documentation:
    """The sections of the rule's docstring."""
    sections: dict[str, dict[str, bytes]] = {"Bad": {}, "Good": {}, "Options": {}, "Why is this bad?": {}}
    for title, name, escaped, body in _SECTION.findall(rule.doc + "\n"):
        text = cleandoc("\n" + body).rstrip("\n") + "\n"
        # escaped examples show bytes that no source file can hold: \xef\xbb\xbf for a byte order mark
        content = text.encode().decode("unicode_escape").encode("latin-1") if escaped else text.encode()
        sections[title][name or EXAMPLE_FILE] = content
    said = {
        title: b"".join(files.values()).decode() for title, files in sections.items() if title not in ("Bad", "Good")
    }
    options = dict(pair.split("=", 1) for pair in said["Options"].split())
    why = said["Why is this bad?"].strip()
    return Documentation(rule.doc.partition("\n")[0], why, sections["Bad"], sections["Good"], options)
