"""A `_dsforge` field that asks for nothing that can be done.

Why is this bad?
    A row may ask to be spared from rules: `"_dsforge": {"ignore": ["Q501", "P"]}`, by codes, families or names. What
    is written in another way, or names no rule, spares nothing, and looks as though it did.

Bad:
    {"instruction": "Say hello", "output": "Hello", "_dsforge": {"ignore": "Q501"}}

Good:
    {"instruction": "Say hello", "output": "Hello", "_dsforge": {"ignore": ["Q501"]}}
"""

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.waiver import KEY


def _check(example: Example, report: Report) -> None:
    if KEY in example.extra:
        report(f"{KEY} is no list of rules to ignore, or names one that does not exist", f"/{KEY}",
               f'write "{KEY}": {{"ignore": ["Q501"]}}; dsforge rule --all lists the rules')  # fmt: skip


RULE = ExampleRule("S112", "warning", _check, concerns=("extra",))
