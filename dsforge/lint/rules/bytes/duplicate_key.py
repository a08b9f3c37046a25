"""A key that occurs twice in one object.

Why is this bad?
    Parsers keep the last value and drop the first in silence: half of the row is never trained.

Bad:
    {"instruction": "Say hello", "output": "Hello", "output": "Good day"}

Good:
    {"instruction": "Say hello", "output": "Good day"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J002", "error", frozenset({"duplicate key"}))
