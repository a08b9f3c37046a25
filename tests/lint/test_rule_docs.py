"""docs/rules.md says what the rules say."""

from __future__ import annotations

import re

from dsforge.lint.rule import all_rules, documentation
from dsforge.rule_docs import FILE, rules_page


def test_the_page_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == rules_page(), "run `make docs`"


def test_every_rule_is_there_with_its_examples() -> None:
    page = rules_page()
    for rule in all_rules().values():
        assert f"### {rule.code} {rule.name}\n" in page
        section = page.partition(f"### {rule.code} ")[2].partition("\n### ")[0]
        assert documentation(rule).summary in " ".join(section.split())
        if "Bad (escaped)" not in rule.doc:
            assert all(content.decode().strip() in section for content in documentation(rule).bad.values())
    fences = re.findall(r"^`{3,}$", page, re.MULTILINE)
    assert fences[::2] == fences[1::2]


def test_links_lead_to_headings() -> None:
    page = rules_page()
    headings = {re.sub(r"[^\w -]", "", line[4:].lower()).replace(" ", "-") for line in re.findall(r"### .*", page)}
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= headings
