"""Which rules run: `--select` and `--ignore` take codes, families and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePath

from dsforge.lint.rule import Rule, all_rules, get_rule


def matching_codes(words: Sequence[str]) -> set[str]:
    """The codes that the words mean: `ALL`, a prefix (`T`, `T2`), a code or a name; commas join several."""
    codes: set[str] = set()
    for word in (part.strip() for given in words for part in given.split(",") if part.strip()):
        if word.upper() == "ALL":
            codes |= set(all_rules())
            continue
        prefixed = {code for code in all_rules() if code.startswith(word.upper())}
        codes |= prefixed or {get_rule(word).code}
    return codes


def select_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules to run, by code: those selected (else the default ones) without those ignored.

    Raises:
        UsageError: a word means no rule.
    """
    chosen = matching_codes(select) if select else {code for code, rule in all_rules().items() if rule.default}
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
