"""A question about an image in a row without one.

Why is this bad?
    The answer describes what the model was not shown: it learns to make up what it sees. Passages that are quoted, with
    a figure that stood beside them, are not reported.

Bad:
    {"instruction": "What is the dog in the image above doing?", "output": "It runs along the beach."}

Good:
    {"instruction": "How do I insert an image in Word?", "output": "With Insert, Pictures."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_SHOWN = re.compile(
    r"(?:in|at|of|from|to|describe|see|analy[sz]e|identify) (?:the|this|that) "
    r"(?:image|picture|photo|photograph|figure|diagram) (?:above|below|shown|attached|provided|here)\b"
    r"|(?:the|this) (?:following|attached|above|below|provided|given) (?:image|picture|photo|photograph)\b"
    r"(?! (?:url|path|file|format|processing))"
    r"|(?:shown|depicted|pictured|seen) in (?:the|this) (?:image|picture|photo|photograph)\b"
    r"|(?:describe|caption|explain|see in) (?:this|the) (?:image|picture|photo|photograph)(?=[.?!\n]|$)"
    r"|(?:in|from|of|about) (?:this (?:image|picture|photo|photograph)|the (?:picture|photo|photograph)),?"
    r"(?= (?:how|what|who|is|are)|[,.?!])"
    r"|(?<![\w])(?:看图|请?描述下图|根据(?:下图|上图|这张图|图片)|图中(?:的|有)(?:人|物|几|什么|多少|哪))"
    r"|如(?:上|下)?图(?:所示|中)|(?:上|下|左|右)图(?:中|所示|是|里)"
    r"|(?:这张|这幅|该|下面的?|上面的?)(?:图片?|照片|图像)(?:中|里|上|是|的内容)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"<(?:image|img|video)\b|!\[|https?://|\.(?:jpe?g|png|gif|webp|svg|bmp)\b|data:image|\[image", re.IGNORECASE
)
_PASSAGE = re.compile(
    r"\b(?:passage|article|paragraph|context|document|excerpt|abstract)s?\b[^.\n:：]{0,20}[:：]|(?:文章|段落|原文|材料)[:：]",
    re.IGNORECASE,
)
"""What comes before a text that is quoted."""
_NOUNS = ("image", "picture", "photo", "photograph", "figure", "diagram")
_PLACES = ("above", "below", "shown", "attached", "provided", "here")
_TRIGGERS = (
    *(f"{noun} {place}" for noun in _NOUNS for place in _PLACES),
    *(f"{place} {noun}" for noun in _NOUNS for place in (*_PLACES, "following", "given")),
    *(f"{seen} in th{end} {noun}" for noun in _NOUNS for seen in ("shown", "depicted", "pictured", "seen")
      for end in ("e", "is")),
    *"如图所示 如图中 如上图 如下图 上图中 上图所示 上图是 上图里 下图中 下图所示 下图是 下图里 左图 右图"
    " 这张图 这幅图 看图 描述下图"
    " 根据下图 根据上图 根据图片 图中的 图中有".split(),
    *(f"{this} {noun}" for noun in _NOUNS[:4] for this in ("this", "the")),
    *(f"{noun}{place}" for noun in ("图片", "照片", "图像") for place in ("中", "里", "上", "是", "的内容")),
)  # fmt: skip


def _check(example: Example, report: Report) -> None:
    messages = example.messages
    if any(message.media or _REFERENCE.search(message.text) for message in messages):
        return
    for index, message in enumerate(messages):
        if message.role != "user" or not (found := _SHOWN.search(message.text)):
            continue
        if not _PASSAGE.search(message.text, 0, found.start()):
            report(f"{found.group()!r} speaks of an image, and the row has none", index,
                   "give the row its image (an answer without it is made up), else remove the row",
                   span=found.span())  # fmt: skip


RULE = ExampleRule("Q516", "warning", _check, triggers=_TRIGGERS)
