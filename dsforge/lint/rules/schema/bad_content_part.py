"""A content part of unknown type, or in the wrong place.

Why is this bad?
    Many chat templates pass over parts they do not know: the image or the text is simply not there in training.

Bad:
    {"messages": [{"role": "user", "content": [{"type": "picture", "picture": "cat.png"}]}, {"role": "assistant", "content": "A cat"}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "cat.png"}}]}, {"role": "assistant", "content": "A cat"}]}
"""  # noqa: E501

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S107", "error")
