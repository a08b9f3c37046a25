"""What a rule is: a code, a severity, and a pure check that reports through a callback.

A rule lives in a file of its own under rules/FAMILY/, named by what is wrong; its docstring is its
documentation (`dsforge rule CODE` prints it) and its examples are run as tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from inspect import cleandoc
from typing import Protocol, TypeAlias

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import Example
from dsforge.finding import Severity
from dsforge.io.diagnose import ProblemKind
from dsforge.io.rows import FlawKind
from dsforge.lint.facts import Facts, Need, Settings
from dsforge.registry import discover

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
    """Reports a finding in an example: what is wrong, where, and how to mend it.

    `at` is the number of a message, counted from 0 over messages, chosen and rejected, or a JSON
    Pointer into the row.
    """

    def __call__(self, message: str, at: int | str = "", help: str = "") -> None: ...


class DatasetReport(Protocol):
    """Reports a finding on the row at `index` of the facts, or on the dataset as a whole (None)."""

    def __call__(self, message: str, index: int | None = None, help: str = "") -> None: ...


@dataclass(frozen=True)
class Rule:
    """What every rule has. `name` and `doc` come from its file; `default` is whether it runs unasked."""

    code: str
    severity: Severity
    default: bool = field(default=True, kw_only=True)
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
    """Checks one example at a time."""

    check: Callable[[Example, Report], None] = lambda example, report: None


@dataclass(frozen=True)
class DatasetRule(Rule):
    """Checks the facts of all rows once they are read; `needs` names the facts that cost something."""

    check: Callable[[Facts, Settings, DatasetReport], None] = lambda facts, settings, report: None
    needs: frozenset[Need] = frozenset()


AnyRule: TypeAlias = "BytesRule | DecodingRule | ExampleRule | DatasetRule"


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


def get_rule(code_or_name: str) -> Rule:
    """The rule with this code or name.

    Raises:
        UsageError: there is no such rule.
    """
    wanted = code_or_name.strip()
    for rule in all_rules().values():
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            return rule
    known = [*all_rules(), *(rule.name for rule in all_rules().values())]
    near = did_you_mean(wanted, known) if len(wanted) > 2 else "; list them with dsforge rule --all"
    raise UsageError(f"no rule {wanted!r}{near}")


_SECTION = re.compile(r"^(Why is this bad\?|Bad|Good|Options)(?: \((escaped)\))?:?\n((?:(?:    .*)?\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Documentation:
    """A rule's docstring, taken apart. `bad` and `good` are files as bytes; `options` are settings by name."""

    summary: str
    why: str
    bad: bytes
    good: bytes
    options: dict[str, str]


def documentation(rule: Rule) -> Documentation:
    """The sections of the rule's docstring."""
    sections: dict[str, bytes] = {}
    for title, escaped, body in _SECTION.findall(rule.doc + "\n"):
        text = cleandoc("\n" + body).rstrip("\n") + "\n"
        # escaped examples show bytes that no source file can hold: \xef\xbb\xbf for a byte order mark
        sections[title] = text.encode().decode("unicode_escape").encode("latin-1") if escaped else text.encode()
    options = dict(pair.split("=", 1) for pair in sections.get("Options", b"").decode().split())
    why = sections.get("Why is this bad?", b"").decode().strip()
    return Documentation(rule.doc.partition("\n")[0], why, sections.get("Bad", b""), sections.get("Good", b""), options)
