r"""An escape that is half of a character.

Why is this bad?
    Characters beyond U+FFFF, most emoji among them, are written as two escapes. A text cut between the two leaves one
    half, which is no character: strict parsers refuse the row, Python reads it and crashes when it writes it again.

Bad:
    {"instruction": "Send a smile", "output": "Here you are: \ud83d"}

Good:
    {"instruction": "Send a smile", "output": "Here you are: \ud83d\ude00"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J011", "error", frozenset({"surrogate"}), fix="unsafe")
