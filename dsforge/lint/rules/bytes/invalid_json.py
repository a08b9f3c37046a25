"""A row that is not valid JSON.

Why is this bad?
    Loaders stop at the row, or skip it and say nothing; the mistake is often a comma on another line
    than the one they name. Every mistake of the row is reported, with what to write instead.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"},]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J001", "error", frozenset({"syntax"}), fix="safe")
