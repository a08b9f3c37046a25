"""Which rules run: `--select` and `--ignore` take codes, families and names."""

from __future__ import annotations

from collections.abc import Sequence

from dsforge.lint.rule import Rule, all_rules, get_rule


def _matching(words: Sequence[str]) -> set[str]:
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
    chosen = _matching(select) if select else {code for code, rule in all_rules().items() if rule.default}
    return [rule for code, rule in all_rules().items() if code in chosen - _matching(ignore)]
