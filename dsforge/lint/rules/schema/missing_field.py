"""A field that the format needs is missing.

Why is this bad?
    Most trainers stop at such a row after minutes of loading; some train on the text "None".

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"rol": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S106", "error")
