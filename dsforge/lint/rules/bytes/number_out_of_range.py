"""NaN, Infinity, or a number too large for one.

Why is this bad?
    NaN and Infinity are not JSON, though Python's json module writes them: strict parsers refuse the row.
    A number such as 1e999 is read as infinity.

Bad:
    {"instruction": "Say hello", "output": "Hello", "score": NaN}

Good:
    {"instruction": "Say hello", "output": "Hello", "score": null}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J004", "error", frozenset({"number"}), fix="unsafe")
