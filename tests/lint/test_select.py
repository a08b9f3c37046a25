"""Codes, families, names and ALL select rules; what is ignored wins."""

from __future__ import annotations

import pytest

from dsforge.errors import UsageError
from dsforge.lint.rule import all_rules
from dsforge.lint.select import rule_called, select_rules


def _codes(select: list[str], ignore: list[str] | None = None) -> list[str]:
    return [rule.code for rule in select_rules(select, ignore or [])]


def test_by_default_the_rules_that_run_unasked() -> None:
    assert _codes([]) == [code for code, rule in all_rules().items() if rule.default]
    assert "D702" not in _codes([])


def test_codes_families_names_and_all() -> None:
    assert _codes(["S103"]) == _codes(["unknown-role"]) == ["S103"]
    assert _codes(["T,s101"]) == ["S101", *[code for code in all_rules() if code.startswith("T")]]
    assert _codes(["ALL"]) == list(all_rules())
    assert _codes(["DEFAULT"]) == _codes([])
    assert _codes(["default,D702"]) == sorted([*_codes([]), "D702"])


def test_ignored_wins() -> None:
    assert "S103" not in _codes(["S"], ["unknown-role"])
    assert _codes(["J0"], ["J"]) == []


def test_unknown_words_suggest_a_rule() -> None:
    with pytest.raises(UsageError, match="did you mean 'duplicate-key'"):
        select_rules(["duplicat-key"])
    with pytest.raises(UsageError, match="there is no rule 'Z9'; dsforge rule --all"):
        rule_called("Z9")
    assert rule_called(" unknown-Role ").code == rule_called("s103").code == "S103"
