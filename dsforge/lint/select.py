"""Which rules run: `--select` and `--ignore` take codes, families, names, ALL and DEFAULT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import PurePath

from dsforge.errors import UsageError
from dsforge.lint.rule import Rule, all_rules

DEFAULT = "DEFAULT"


def rule_called(word: str) -> Rule:
    """The rule with this code or name.

    Raises:
        UsageError: there is none.
    """
    rules = all_rules()
    wanted = word.strip()
    named = {rule.name: rule for rule in rules.values()}
    if found := rules.get(wanted.upper()) or named.get(wanted.lower()):
        return found
    words = {name.casefold(): name for name in (*rules, *named)}
    near = get_close_matches(wanted.casefold(), words, n=1, cutoff=0.7)
    mean = f"did you mean {words[near[0]]!r}? " if near else ""
    raise UsageError(f"there is no rule {wanted!r}; {mean}dsforge rule --all lists them")


def _default_codes() -> set[str]:
    return {code for code, rule in all_rules().items() if rule.default}


def matching_codes(words: Sequence[str]) -> set[str]:
    """The codes that the words mean: `ALL`, `DEFAULT`, a prefix (`T`, `T2`), a code or a name; commas join several.

    Raises:
        UsageError: a word means no rule.
    """
    codes: set[str] = set()
    for word in (part.strip() for given in words for part in given.split(",") if part.strip()):
        if word.upper() == "ALL":
            codes |= set(all_rules())
            continue
        if word.upper() == DEFAULT:
            codes |= _default_codes()
            continue
        prefixed = {code for code in all_rules() if code.startswith(word.upper())}
        codes |= prefixed or {rule_called(word).code}
    return codes


def select_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules to run, by code: those selected (else the default ones) without those ignored.

    Raises:
        UsageError: a word means no rule.
    """
    chosen = matching_codes(select) if select else _default_codes()
    return [rule for code, rule in all_rules().items() if code in chosen - matching_codes(ignore)]


def ignored_in(path: str, per_file: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The codes that are ignored in a file, by patterns (`data/raw/*`, `*.csv`) that its path or name fits.

    Raises:
        UsageError: a word means no rule.
    """
    posix = PurePath(path).as_posix()
    names = (posix, posix.rpartition("/")[2])
    words = [word for pattern, given in per_file.items() if any(fnmatch(name, pattern) for name in names)
             for word in given]  # fmt: skip
    return frozenset(matching_codes(words))
