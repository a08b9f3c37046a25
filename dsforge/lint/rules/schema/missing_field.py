"""A field that the format needs is missing.

Why is this bad?
    Trainers stop at such a row, some only after minutes of loading, or leave it out.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"rol": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S106", "error")
