"""A whole number of more than 64 bits.

Why is this bad?
    Python keeps every digit, most others do not: orjson and Arrow make it a float, whose last digits are zeros, and
    `datasets` refuses the column. Identifiers are the usual case: write them as text.

Bad:
    {"instruction": "Say hello", "output": "Hello", "id": 184467440737095516199}

Good:
    {"instruction": "Say hello", "output": "Hello", "id": "184467440737095516199"}
"""

from collections.abc import Iterator

from dsforge.example import JSON, Example
from dsforge.io.diagnose import escape_pointer
from dsforge.lint.rule import ExampleRule, Report

_LEAST, _MOST = -(1 << 63), (1 << 64) - 1


def _huge(value: JSON, pointer: str) -> Iterator[tuple[int, str]]:
    if isinstance(value, int):
        if not _LEAST <= value <= _MOST:
            yield value, pointer
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from _huge(child, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _huge(child, f"{pointer}/{index}")


def _check(example: Example, report: Report) -> None:
    if not (example.extra or example.meta or example.tools):
        return
    for fields in (example.extra, example.meta):
        for number, pointer in _huge(fields, ""):
            report(f"{str(number)[:40]} has more than 64 bits", pointer, "write it as text")
    for number, pointer in _huge(example.tools, "/tools"):
        report(f"{str(number)[:40]} has more than 64 bits", pointer, "write it as text")


RULE = ExampleRule("J012", "warning", _check, concerns=("extra", "tools"))
