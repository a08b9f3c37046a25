"""A line that holds an array of rows instead of one row.

Why is this bad?
    JSONL is one row to a line. Loaders refuse the line, or take the array for a single row with numbers for field
    names. A file that is one array throughout is read as such.

Bad:
    [{"instruction": "Say hello", "output": "Hello"}]
    [{"instruction": "Say bye", "output": "Bye"}]

Good:
    {"instruction": "Say hello", "output": "Hello"}
    {"instruction": "Say bye", "output": "Bye"}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("J013", "error")
