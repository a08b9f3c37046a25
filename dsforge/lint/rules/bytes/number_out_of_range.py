"""NaN, Infinity, or a number that no parser can hold.

Why is this bad?
    NaN and Infinity are not JSON, though Python's json module writes them: strict parsers refuse the row.
    Beyond 64 bits a number changes on reading, and with it an identifier.

Bad:
    {"instruction": "Say hello", "output": "Hello", "score": NaN}

Good:
    {"instruction": "Say hello", "output": "Hello", "score": null}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J004", "error", frozenset({"number"}))
