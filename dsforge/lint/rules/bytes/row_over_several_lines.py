"""Rows that are written over several lines, outside an array.

Why is this bad?
    JSONL is one row to a line. Platforms read such a file line by line and refuse every one of them.

Bad:
    {
      "instruction": "Say hello",
      "output": "Hello"
    }

Good:
    {"instruction": "Say hello", "output": "Hello"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J009", "warning", frozenset({"several lines"}), fix="safe")
