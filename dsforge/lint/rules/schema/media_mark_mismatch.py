"""More `<image>` marks than images, or fewer.

Why is this bad?
    LLaMA-Factory stops at the row; other trainers put the images at the wrong places in the conversation.

Bad:
    {"messages": [{"role": "user", "content": "What is this?"}, {"role": "assistant", "content": "A cat"}], "images": ["cat.png"]}

Good:
    {"messages": [{"role": "user", "content": "<image>What is this?"}, {"role": "assistant", "content": "A cat"}], "images": ["cat.png"]}
"""  # noqa: E501

from dsforge.lint.rule import DecodingRule

RULE = DecodingRule("S108", "error")
