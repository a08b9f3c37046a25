"""A JSON array whose rows are not held together properly.

Why is this bad?
    A missing comma between two rows, one too many after the last, a comment, or no closing bracket makes the
    whole file unreadable for a loader. dsforge reads every row all the same, and says where the mistake is.

Bad:
    [{"instruction": "Say hello", "output": "Hello"}
     {"instruction": "Say goodbye", "output": "Goodbye"}]

Good:
    [{"instruction": "Say hello", "output": "Hello"},
     {"instruction": "Say goodbye", "output": "Goodbye"}]
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J008", "error", frozenset({"structure"}), fix="safe")
