"""A row nested deeper than 200 levels.

Why is this bad?
    Parsers limit their depth, each differently (orjson writes no more than 254 levels): such a row is read
    by one tool and crashes the next. It is nearly always a mistake of the program that wrote it.

Bad:
    {"messages": [], "id": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}

Good:
    {"id": [[["three levels"]]], "messages": [{"role": "user", "content": "Hi"}]}
"""  # noqa: E501

from dsforge.lint.rule import BytesRule

RULE = BytesRule("J005", "error", frozenset({"depth"}))
