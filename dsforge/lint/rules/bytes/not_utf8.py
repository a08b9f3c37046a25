r"""A row with bytes that are not UTF-8.

Why is this bad?
    Some loaders stop, others put U+FFFD or nothing in the place of the character. Rows exported from
    spreadsheets in GB18030 or Latin-1 are the usual cause, texts cut in the middle of an emoji the next.

Bad (escaped):
    {"instruction": "Caf\xe9", "output": "A place to drink coffee"}

Good (escaped):
    {"instruction": "Caf\xc3\xa9", "output": "A place to drink coffee"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J003", "error", frozenset({"encoding"}))
