"""Marks of a chat template within a text.

Why is this bad?
    What stands in a text is turned into tokens like any other: `<|im_end|>` there ends the turn in the middle for some
    trainers, and is spelt out letter by letter for others. The model then writes such marks into its answers.

Bad:
    {"instruction": "Say hello", "output": "Hello!<|im_end|>"}

Good:
    {"instruction": "What ends a turn in ChatML?", "output": "The mark `<|im_end|>`."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import of_bad_answer

_TOKENS = re.compile(
    r"<\|[A-Za-z][A-Za-z_\d]{1,30}\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<\uff5c[^<>\uff5c]{1,30}\uff5c>|\[(?:gMASK|sop|eop)\]"
    r"|<s>(?<![\s\S]<s>)(?![^<]*</s>)|(?:</s>|<[be]os>)(?=\s*$)"
)
_SPEAKERS = re.compile(
    r"^(?:Human|User|USER|HUMAN)(?: \d)?: |^#{2,4} ?(?:Instruction|Response|Input|Human|Assistant):? *$", re.MULTILINE
)
_PROMPTED = re.compile(r"\s*(?:#{2,4} ?Response:|(?:ASSISTANT|Assistant|助手)[:：])")
"""How an answer begins into which the end of the prompt has slipped."""
_DIALOGUE = re.compile(
    r"dialog|conversation|\bchat|interview|script|role.?play|transcript|human|user|prompt|对话|剧本|聊天|访谈|用户",
    re.IGNORECASE,
)
_TRIGGERS = (
    "<|",
    *"[inst]|[/inst]|<<sys>>|<</sys>>|_of_turn>|<\uff5c|[gmask]|[sop]|[eop]|</s>|\nhuman|\nuser|# instruction"
    "|# response|# input|# human|# assistant|#instruction|#response|#input|#human|#assistant|assistant:|助手:|助手："
    "|<s>|<eos>|<bos>".split("|"),
)


def _is_quoted(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in ("`", '"', "'", "“", "「") and text[end : end + 1] in ("`", '"', "'", "”", "」")


def _is_dialogue(example: Example) -> bool:
    """Whether a dialogue was asked for."""
    return any(_DIALOGUE.search(message.text) for message in example.messages if message.role != "assistant")


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        for match in _TOKENS.finditer(text):
            if not _is_quoted(text, *match.span()) and text.count("```", 0, match.start()) % 2 == 0:
                report(f"{match.group()!r} is a mark of a chat template{of_bad_answer(example, index)}", index,
                       "remove it", span=match.span(), fix="")  # fmt: skip
        if message.role != "assistant" or of_bad_answer(example, index):
            continue  # a bad answer may well begin in a wrong way, and go on with another turn
        if (found := _PROMPTED.match(text)) and not _is_dialogue(example):
            report(f"the answer begins with {found.group().strip()!r}, the end of the prompt", index, "remove it",
                   span=found.span(), fix="")  # fmt: skip
        if (found := _SPEAKERS.search(text)) and found.start() and not _is_dialogue(example):
            report(f"another turn begins within the answer: {found.group().strip()!r}", index,
                   "end the answer before it, or make it a turn of its own", span=found.span())  # fmt: skip


RULE = ExampleRule("Q510", "warning", _check, triggers=_TRIGGERS, fix="unsafe")
