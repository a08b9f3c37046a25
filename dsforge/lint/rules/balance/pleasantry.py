"""How a conversation ends politely: such an answer is the same under every question, and meant to be."""

from __future__ import annotations

PLEASANTRIES = (
    "You're welcome", "You’re welcome", "You are welcome", "My pleasure", "Don't mention it", "Glad I could help",
    "I'm glad I could", "Goodbye", "Bye", "Take care", "Have a great", "Have a nice", "Have a good",
    "不客气", "不用谢", "不谢", "再见", "祝您", "祝你",
)  # fmt: skip
"""Beginnings of such answers."""
