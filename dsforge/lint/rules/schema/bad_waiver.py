"""A `_dsforge` field that asks for nothing that can be done.

Why is this bad?
    A row may ask to be spared from rules: `"_dsforge": {"ignore": ["Q501", "P"]}`, by codes, families or names. What
    is written in another way, or names no rule, spares nothing, and looks as though it did.

Bad:
    {"instruction": "Say hello", "output": "Hello", "_dsforge": {"ignore": "Q501"}}

Good:
    {"instruction": "Say hello", "output": "Hello", "_dsforge": {"ignore": ["Q501"]}}
"""

from dsforge.errors import UsageError
from dsforge.example import JSON, Example
from dsforge.formats.expect import kind_of
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.select import matching_codes
from dsforge.lint.waiver import KEY


def _check(example: Example, report: Report) -> None:
    if KEY not in example.extra:
        return
    said = example.extra[KEY]
    words = said.get("ignore") if isinstance(said, dict) and len(said) == 1 else None
    if not isinstance(words, list):
        report(f"{KEY} is not an object with a list of rules to ignore", f"/{KEY}",
               f'write "{KEY}": {{"ignore": ["Q501"]}}')  # fmt: skip
        return
    for index, word in enumerate(words):
        if why := _wrong(word):
            report(f"{KEY}: {why}; nothing is ignored", f"/{KEY}/ignore/{index}", "dsforge rule --all lists the rules")


def _wrong(word: JSON) -> str:
    """Why a word names no rules; "" where it does."""
    if not isinstance(word, str):
        return f"{kind_of(word)} is no code, family or name of a rule"
    try:
        matching_codes((word,))
    except UsageError as error:
        return str(error)
    return ""


RULE = ExampleRule("S112", "warning", _check, concerns=("extra",))
