"""The short way (see `plain`) of formats that write plain rows as messages or as one question and one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dsforge.example import JSON, Role
from dsforge.formats.chatml import FORMAT as CHATML
from dsforge.formats.plain import Plain, Turns

NAMES: dict[Role, str] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
SYSTEMS = ("system", "developer")
ONE_TURN: tuple[Role, ...] = ("user", "assistant")


def _not_plain(row: dict[str, JSON]) -> Turns | None:
    return None


def plain_messages(
    names: Mapping[Role, str], content: Callable[[str], JSON] | None = None, reads_chatml: bool = True
) -> Plain:
    """`{"messages": [{"role", "content"}]}` with these names of roles; `reads_chatml` is whether ChatML reads them."""

    def encode(turns: Turns) -> dict[str, JSON] | None:
        roles, texts, _ = turns
        if not roles or not names.keys() >= set(roles):
            return None
        said = texts if content is None else map(content, texts)
        messages = [{"role": names[role], "content": text} for role, text in zip(roles, said, strict=True)]
        return {"messages": messages}

    decode = CHATML.plain.decode if reads_chatml and CHATML.plain else _not_plain
    return Plain(decode, encode)
