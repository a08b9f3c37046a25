"""A preference pair whose answers differ in next to nothing.

Why is this bad?
    The pair is paid for in full and teaches the difference of a space or a full stop, or that an answer that is cut off
    is better or worse than the whole one.

Bad:
    {"prompt": "What is a minster?", "chosen": "A large church that once belonged to a monastery, such as that of Ulm.", "rejected": "A large church that once belonged to a monastery, such as that of Ulm"}

Good:
    {"prompt": "What is a minster?", "chosen": "A large church that once belonged to a monastery, such as that of Ulm.", "rejected": "A large church that once belonged to a cathedral chapter, such as that of Ulm."}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_LEAST = 20
_ENDS = ".!?。！？…\"'”’)）]】}>`*|:：;；\r\n"


def _bare(text: str) -> str:
    """The text without its white space and punctuation, in small letters."""
    return "".join(char for char in text.lower() if char.isalnum())


def _is_cut_off(chosen: str, rejected: str) -> bool:
    """Whether the chosen answer is the rejected one, ended where neither a sentence nor a line ends."""
    if not _LEAST <= len(chosen) < len(rejected) or not rejected.startswith(chosen):
        return False
    return chosen[-1] not in _ENDS and rejected[len(chosen)] not in "\r\n"


def _check(example: Example, report: Report) -> None:
    if not example.chosen or not example.rejected:
        return
    chosen, rejected = example.chosen[-1], example.rejected[-1]
    if (
        chosen.tool_calls
        or rejected.tool_calls
        or chosen.text == rejected.text
        or chosen.reasoning
        or rejected.reasoning
    ):
        return
    if _is_cut_off(chosen.text, rejected.text):
        report("the chosen answer is the beginning of the rejected one, and ends in the middle of it",
               len(example.messages) + len(example.chosen) - 1, "complete it, or swap the two",
               span=(max(0, len(chosen.text) - 20), len(chosen.text)))  # fmt: skip
        return
    if chosen.text[:4].lower() != rejected.text[:4].lower() or abs(len(chosen.text) - len(rejected.text)) > 20:
        return
    one, other = _bare(chosen.text), _bare(rejected.text)
    if len(one) >= _LEAST and one == other:
        at = len(example.messages) + len(example.chosen) + len(example.rejected) - 1
        report("chosen and rejected differ in white space and punctuation alone", at,
               "write a worse answer, or remove the pair")  # fmt: skip


RULE = ExampleRule("Q518", "warning", _check, concerns=("pairs",))
