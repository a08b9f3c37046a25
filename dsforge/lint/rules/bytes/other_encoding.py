r"""A file that is not in UTF-8.

Why is this bad?
    JSON is UTF-8, and loaders read nothing else: they stop at the first byte, or put U+FFFD in the place of every
    character. UTF-16 is what Windows calls Unicode, GB18030 what Chinese spreadsheets export. dsforge reads both.

Bad (escaped):
    \xfe\xff\x00{\x00"\x00i\x00n\x00s\x00t\x00r\x00u\x00c\x00t\x00i\x00o\x00n\x00"\x00:\x00"\x00H\x00i\x00"\x00,\x00"\x00o\x00u\x00t\x00p\x00u\x00t\x00"\x00:\x00"\x00H\x00o\x00"\x00}\x00

Good:
    {"instruction": "Hi", "output": "Ho"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J010", "error", frozenset({"other encoding"}), fix="safe")
