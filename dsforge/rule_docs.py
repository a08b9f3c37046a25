"""docs/rules.md, from the docstrings of the rules.

`python -m dsforge.rule_docs` (or `make docs`) writes it anew. It is generated, never edited.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from dsforge.lint.rule import FAMILIES, Rule, all_rules, documentation
from dsforge.resources import resource

FILE = resource("schemas").parent / "docs" / "rules.md"
_FIXES = {"": "no", "safe": "`--fix`", "unsafe": "`--fix --unsafe-fixes`"}


def rules_page() -> str:
    """The whole page, in Markdown."""
    rules = list(all_rules().values())
    parts = [
        f"# The {len(rules)} rules of dsforge lint\n\n"
        "Made from the rules themselves by `make docs`; `dsforge rule CODE` says the same on the command line. Select "
        "and ignore\nrules by code, family letter or name: `dsforge lint FILE --select S,T --ignore empty-content`. A "
        'row may carry\n`"_dsforge": {"ignore": ["Q501"]}`.\n'
    ]
    for letter, family in FAMILIES.items():
        of_family = [rule for rule in rules if rule.code[0] == letter]
        parts.append(f"## {letter}: {family}\n\n" + _table(of_family))
        parts += [_section(rule) for rule in of_family]
    return "\n".join(parts)


def _table(rules: list[Rule]) -> str:
    lines = ["| code | name | severity | by default | mended by | what is wrong |", "|---|---|---|---|---|---|"]
    for rule in rules:
        cells = [f"[{rule.code}](#{_anchor(rule)})", rule.name, rule.severity, "yes" if rule.default else "no",
                 _FIXES[rule.fix], documentation(rule).summary.replace("|", "\\|")]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _anchor(rule: Rule) -> str:
    return f"{rule.code.lower()}-{rule.name}"


def _section(rule: Rule) -> str:
    """A rule's docstring: text as text, rows as code."""
    asked = "" if rule.default else ", runs only when selected"
    lines = [f"### {rule.code} {rule.name}\n", f"*{rule.severity}{asked}; mended by: {_FIXES[rule.fix]}*\n"]
    for block in rule.doc.split("\n\n"):
        title, _, body = block.partition("\n")
        if block.startswith("    "):  # an example with a blank line in it goes on
            before, fence, _ = lines.pop().rsplit("\n", 2)
            lines.append(f"{before}\n\n{dedent(block)}\n{fence}\n")
        elif body.startswith("    ") and title.endswith("?"):
            lines += [f"**{title}** {' '.join(dedent(body).split())}\n"]
        elif body.startswith("    "):
            fence = "`" * (4 if "```" in body else 3)
            lines += [f"{title}\n", f"{fence}\n{dedent(body)}\n{fence}\n"]
        else:
            lines += [" ".join(block.split()) + "\n"]
    return "\n".join(lines)


def main(file: Path = FILE) -> None:
    """Write the page."""
    file.write_text(rules_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
