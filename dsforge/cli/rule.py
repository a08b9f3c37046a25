"""`dsforge rule`: what a lint rule says, why, and how a row looks that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import typer

from dsforge.cli.output import JSON_FLAG, Output, quantity

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


_ROWS, _WIDTH = 8, 300
"""Of a longer example so many rows are shown, of a longer row so many characters."""


def _shortened(doc: str) -> Iterator[str]:
    """The lines of a rule's documentation, long examples cut in the middle: what is wrong often stands at the end."""
    is_example = False
    for indented, lines in groupby(doc.splitlines(), lambda line: line.startswith(" ")):
        stretch = list(lines)
        if indented and is_example:
            stretch = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..." for line in stretch]
            if (hidden := len(stretch) - _ROWS) > 1:
                half = _ROWS // 2
                stretch = [*stretch[:half], f"    ... {quantity(hidden, 'more row')}", *stretch[-half:]]
        is_example = stretch[-1].startswith(("Bad", "Good"))
        yield from stretch


@app.command()
def command(
    code: str = typer.Argument("", metavar="[CODE]", help="A rule's code or name."),
    show_all: bool = typer.Option(False, "--all", help="List all rules, as without CODE."),
    as_json: bool = JSON_FLAG,
) -> None:
    """Explain a lint rule, or list them all. Long examples are shortened; --json has all of them."""
    from dsforge.lint.rule import FAMILIES, all_rules, documentation
    from dsforge.lint.select import rule_called

    out = Output(as_json)
    show_all = show_all or not code
    rules = list(all_rules().values()) if show_all else [rule_called(code)]
    if show_all:
        out.table(
            ["code", "name", "severity", "by default", "what is wrong"],
            [[rule.code, rule.name, rule.severity, "yes" if rule.default else "no", documentation(rule).summary]
             for rule in rules],
        )  # fmt: skip
    else:
        rule = rules[0]
        asked = "" if rule.default else ", runs only when selected"
        out.say(out.style(f"{rule.code} {rule.name}", "bold"))
        out.say(f"{rule.severity}, family {rule.code[0]} ({FAMILIES[rule.code[0]]}){asked}\n")
        out.say("\n".join(_shortened(rule.doc)))
    listed = [
        {"code": rule.code, "name": rule.name, "severity": rule.severity, "default": rule.default, "doc": rule.doc}
        for rule in rules
    ]
    out.result("rule", 0, 0, 0, rules=listed)
