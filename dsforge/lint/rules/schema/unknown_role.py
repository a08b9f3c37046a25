"""A role that no trainer knows.

Why is this bad?
    Trainers drop the message or the row, or render a turn that the model has never seen: `gpt` and `bot`
    belong to other formats and mean nothing in this one.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "bot", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S103", "error", fix="safe")
