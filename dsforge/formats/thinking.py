"""Reasoning inside the text: `<think>`, the reasoning, `</think>`, a blank line, the answer.

The form that Qwen3, Bailian and most trainers without a reasoning field read. Only this exact form is
taken apart, so that taking apart and putting together give the same bytes.
"""

from __future__ import annotations

_OPEN = "<think>\n"
_CLOSE = "\n</think>\n\n"


def join_thinking(reasoning: str | None, answer: str) -> str:
    """The answer with its reasoning before it."""
    return answer if reasoning is None else f"{_OPEN}{reasoning}{_CLOSE}{answer}"


def split_thinking(text: str) -> tuple[str | None, str]:
    """`(reasoning, answer)` of a text; reasoning is None where it has none."""
    if not text.startswith(_OPEN):
        return None, text
    reasoning, mark, answer = text[len(_OPEN) :].partition(_CLOSE)
    return (reasoning, answer) if mark else (None, text)
