r"""White space before or after an answer.

Why is this bad?
    A space before the first word makes it another token than the one that comes in use, and what stands after the last
    one is learnt too. axolotl's DPO loses the whole answer, as it looks for it in a text that was trimmed.

Bad:
    {"instruction": "Say hello", "output": " Hello!\n"}

Good:
    {"instruction": "Write a loop", "output": "    for x in y:\n        pass"}
"""

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import of_bad_answer


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.content
        if message.role != "assistant" or type(text) is not str or not text:
            continue
        if text[0].isspace() or text[-1].isspace():
            _report_edges(text, index, of_bad_answer(example, index), report)


def _report_edges(text: str, index: int, where: str, report: Report) -> None:
    trimmed = text.strip()
    if not trimmed:
        return  # says nothing: another rule's
    lines = text.lstrip("\r\n")  # what is left before the first line is how far it is indented
    indented = "\n" in trimmed and lines.startswith(("  ", "\t"))
    start = 0 if indented else len(text) - len(text.lstrip())
    if start:
        report(f"white space at the beginning{where or ' of the answer'}", index, "remove it", span=(0, start), fix="")
    end = len(text.rstrip())
    if end < len(text):
        report(f"white space at the end{where or ' of the answer'}", index, "remove it", span=(end, len(text)), fix="")


RULE = ExampleRule("Q511", "info", _check, concerns=("edges",), fix="safe")
