"""A blank line between rows.

Why is this bad?
    DashScope's local check and older versions of Together's refuse the line, others skip it, and row numbers
    in their messages no longer fit.

Bad:
    {"instruction": "Say hello", "output": "Hello"}

    {"instruction": "Say goodbye", "output": "Goodbye"}

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say goodbye", "output": "Goodbye"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J007", "warning", frozenset({"blank line"}), fix="safe")
