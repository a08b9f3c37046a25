"""`dsforge rule`: what a lint rule says, why, and how a row looks that breaks it."""

from __future__ import annotations

import typer

from dsforge.cli.output import JSON_FLAG, Output

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    code: str = typer.Argument("", metavar="[CODE]", help="A rule's code or name."),
    show_all: bool = typer.Option(False, "--all", help="List all rules, as without CODE."),
    as_json: bool = JSON_FLAG,
) -> None:
    """Explain a lint rule, or list them all."""
    from dsforge.lint.rule import FAMILIES, all_rules, documentation, get_rule

    out = Output(as_json)
    show_all = show_all or not code
    rules = list(all_rules().values()) if show_all else [get_rule(code)]
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
        out.say(rule.doc)
    listed = [
        {"code": rule.code, "name": rule.name, "severity": rule.severity, "default": rule.default, "doc": rule.doc}
        for rule in rules
    ]
    out.result("rule", 0, 0, 0, rules=listed)
