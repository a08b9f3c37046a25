"""An answer that says the same over and over.

Why is this bad?
    The model that wrote it was caught in a loop until it was cut off. Trained on it, yours learns to loop as well.

Bad:
    {"instruction": "Why?", "output": "Because it is so and so it is. Because it is so and so it is. Because it is so and so it is. Because it is so and so it is. Because it is so and so it is. Because it is so and so it is. Because it is so and so it is. Because it is so and so it is."}

Good:
    {"instruction": "Laugh", "output": "Ha ha ha!"}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_WINDOW = 20
"""Characters compared: a period is looked for by the nearest earlier copy of so many."""
_STEP = 1000
_LONGEST = 200
"""Characters of the longest phrase that is looked for."""
_TIMES, _LEAST, _CODE_TIMES = 6, 120, 20
"""A loop repeats a phrase at least so often, over at least so many characters; code is alike by nature."""
_CODE = frozenset("<>{}();=|[]&\\")
_RULED = frozenset(" -=_*#.~+|\n\t·—─═│0123456789,:;()[]{}'\"/\\<>")


def find_loop(text: str) -> tuple[int, int, int] | None:
    """`(start, end, period)` of a stretch that repeats a phrase; None where there is none. In linear time.

    Looked for at the end, where a loop goes on to, and every so often before it. Rules, tables of blanks and rows of
    numbers, which are no phrases, do not count.
    """
    for at in range(len(text) - _WINDOW, _WINDOW, -_STEP):
        window, first = text[at : at + _WINDOW], max(0, at - _LONGEST)
        if text.find(window, first, at + _WINDOW - 1) < 0:
            continue
        period = at - text.rfind(window, first, at + _WINDOW - 1)
        if not (text.startswith(window, max(0, at - 3 * period)) or text.startswith(window, at + 2 * period)):
            continue  # of six times, three stand before or two behind
        start, end = at - period, at + _WINDOW
        while start and text[start - 1] == text[start - 1 + period]:
            start -= 1
        while end < len(text) and text[end] == text[end - period]:
            end += 1
        phrase = text[start : start + period]
        times = _TIMES if _CODE.isdisjoint(phrase) else _CODE_TIMES
        if end - start >= max(_LEAST, times * period) and not _RULED.issuperset(phrase) and len(set(phrase)) > 2:
            return start, end, period
    return None


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.content
        if message.role != "assistant" or type(text) is not str or len(text) < _LEAST:
            continue
        if found := find_loop(text):
            start, end, period = found
            report(f"{text[start : start + min(period, 40)]!r} is said {(end - start) // period} times in a row", index,
                   "write an answer that ends, or remove the row", span=(start, end))  # fmt: skip


RULE = ExampleRule("Q507", "warning", _check)
