"""A row in no known format.

Why is this bad?
    No trainer knows which of its fields is the question and which the answer: it stops, or trains on
    nothing. The formats are listed by `dsforge formats`.

Bad:
    {"question": "What is 2 + 2?", "reply": "4"}

Good:
    {"instruction": "What is 2 + 2?", "output": "4"}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S101", "error")
