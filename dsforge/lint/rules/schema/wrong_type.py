"""A field of the wrong type.

Why is this bad?
    A number where text is expected is turned to text by one trainer and breaks another; a list that is
    written as text is trained as its brackets.

Bad:
    {"instruction": "What is 2 + 2?", "output": 4}

Good:
    {"instruction": "What is 2 + 2?", "output": "4"}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S105", "error")
