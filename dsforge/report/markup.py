"""HTML and SVG written so that text cannot turn into markup: what is not `Html` already is escaped on its way in."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from dsforge.report.visible import in_page

_EMPTY = {"meta", "input", "br"}


class Html(str):
    """Markup made here; any other text is escaped where it is put in."""

    __slots__ = ()


def text(value: str) -> Html:
    """`value` as the text of an element or attribute, with hostile characters written out."""
    return value if isinstance(value, Html) else Html(escape(in_page(value)))


def join(parts: Iterable[str]) -> Html:
    """Parts one after the other."""
    return Html("".join(map(text, parts)))


def element(name: str, /, *children: str, **attributes: str | int | float) -> Html:
    """An element; `class_` and `aria_label` are written `class` and `aria-label`, and an empty value not at all."""
    opening = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value == "" else f'="{text(_written(value))}"')
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        return Html(f"<{name}{opening}>")
    return Html(f"<{name}{opening}>{join(children)}</{name}>")


def _written(value: str | int | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def clip(value: str, longest: int) -> str:
    """`value`, or its first characters and how many more there are; as shown it takes about `longest` characters."""
    kept = min(longest, len(value))
    while len(in_page(value[:kept])) > longest:
        kept = kept * 3 // 4
    return value if kept == len(value) else f"{value[:kept]} [... {len(value) - kept:,} more characters]"
