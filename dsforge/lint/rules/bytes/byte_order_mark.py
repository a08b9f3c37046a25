r"""A file that begins with a byte order mark (BOM).

Why is this bad?
    Loaders take the three bytes for part of the first row and refuse it, or name its first field "\ufeffmessages".
    Windows editors and Excel write them. Azure's documents ask for one: `--ignore J006` there.

Bad (escaped):
    \xef\xbb\xbf{"instruction": "Say hello", "output": "Hello"}

Good:
    {"instruction": "Say hello", "output": "Hello"}
"""

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J006", "warning", frozenset({"byte order mark"}), fix="safe")
