"""A sum that does not come out: 12 * 3 = 35.

Why is this bad?
    The model learns wrong arithmetic, and that sums need not be right. Whole numbers are calculated exactly, decimals
    and quotients to the digits that are written; what may be code, an equation with unknowns or part of a longer term
    is left alone.

Bad:
    {"instruction": "What is 12 times 3?", "output": "12 * 3 = 35"}

Good:
    {"instruction": "What is 10 / 3?", "output": "10 / 3 = 3.33"}
"""

import re
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d{1,9})?"
_SUM = re.compile(
    rf"(?<![\w.,)%°^*/×÷+\-=<>!($€£¥√_])(?<![\w)] [*/×÷+\-=^x] )(?<![*/×÷+\-=^(] )(?<!\d )(?<!\d\n)"
    rf"(\$?)({_NUMBER}) ?([*×x+/÷–−-]) ?\1({_NUMBER}) ?= ?(-?)\1({_NUMBER})"
    rf"(?![\w,:%°^*/×÷(]|\.\d| ?[*/×÷+^√!(]| -|-\d| ?= ?[-\d]| (?:mod|remainder|r|R|余|base)\b|…|\.\.\.)"
)
_EQUALS = re.compile(r"\d ?= ?[-$\d]")
_CLOCK = re.compile(
    r"\b(?:base|binary|octal|hex|mod|modulo|remainder|clock|进制|余数|取模)\b|进制|余数|取模", re.IGNORECASE
)


def _decimal(written: str) -> Decimal:
    return Decimal(written.replace(",", ""))


def _exact(left: Decimal, operator: str, right: Decimal) -> Decimal | None:
    if operator in "*×x":
        return left * right
    if operator == "+":
        return left + right
    if operator in "-–−":
        return left - right
    return left / right if right else None


def is_wrong(left: str, operator: str, right: str, result: Decimal) -> bool:
    """Whether the result is neither exact nor rounded or cut off to the digits that it is written with."""
    exact = _exact(_decimal(left), operator, _decimal(right))
    if exact is None:
        return True
    digits = Decimal(1).scaleb(int(result.as_tuple().exponent))
    if "." not in left + right and operator not in "/÷" and digits == 1:
        return exact != result
    return all(exact.quantize(digits, rounding=way) != result for way in (ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_DOWN))


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant" or not _EQUALS.search(text):
            continue
        for match in _sums(text):
            _, left, operator, right, minus, result = match.groups()
            if text.count("```", 0, match.start()) % 2 or (operator == "/" and _is_fraction(text, match)):
                continue
            if is_wrong(left, operator, right, _decimal(minus + result)):
                if _CLOCK.search(text):
                    break
                right_one = _exact(_decimal(left), operator, _decimal(right))
                shown = "no number" if right_one is None else f"{round(right_one, 4).normalize():f}"
                report(f"{match.group()!r} is wrong: it is {shown}", index, "mend the sum, and what follows from it",
                       span=match.span())  # fmt: skip


def _sums(text: str) -> Iterator[re.Match[str]]:
    """The sums in a text: looked for about its equals signs, which are few."""
    end = 0
    for equals in _EQUALS.finditer(text):
        for match in _SUM.finditer(text, max(end, equals.start() - 50), min(len(text), equals.end() + 30)):
            if match.start() <= equals.start() < match.end():
                end = match.end()
                yield match


def _is_fraction(text: str, match: re.Match[str]) -> bool:
    """Whether a quotient may be a fraction within a term or a unit, as in 5 1/2 = 5.5 or km/h."""
    return text[match.start() - 2 : match.start()].strip()[-1:].isdigit()


_TRIGGERS = tuple(f"0{left}={right}0" for left in ("", " ") for right in ("", "-", "$", "-$", " ", " -", " $", " -$"))

RULE = ExampleRule("Q519", "warning", _check, triggers=_TRIGGERS)
