"""Markdown of rows as HTML that can do nothing: no raw HTML, no pictures fetched, links that only lead to the web."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from dsforge.report.visible import in_page

_SCHEMES = ("http", "https", "mailto")
_LONGEST = 200_000
"""Characters from which a text is shown as it is written."""


def _is_allowed(url: str) -> bool:
    """Whether a link may be followed: to the web, or by mail; nothing that stands on this server."""
    try:
        return urlsplit(url.strip()).scheme.lower() in _SCHEMES
    except ValueError:
        return False


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """A picture in a text is a link to it: it would be fetched else."""
        token = tokens[idx]
        alt = self.renderInlineAsText(token.children or [], options, env)
        url = str(token.attrs.get("src", ""))
        return str(Markup('<a class="picture" href="{}"{}>{}</a>').format(url, _AWAY, f"picture: {alt or url}"))

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        url = str(tokens[idx].attrs.get("href", ""))
        return str(Markup('<a href="{}" title="{}"{}>').format(url, url, _AWAY))

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        return str(Markup('<code dir="ltr">{}</code>').format(tokens[idx].content))

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Code in a box, which can be scrolled by keys."""
        return str(Markup('<pre dir="ltr" tabindex="0"><code>{}</code></pre>').format(tokens[idx].content))

    code_block = fence


_AWAY = Markup(' target="_blank" rel="noreferrer noopener nofollow"')


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _is_allowed  # type: ignore[method-assign]
    for name in ("paragraph_open", "heading_open", "blockquote_open", "list_item_open"):
        parser.add_render_rule(name, _with_direction)
    return parser


def _with_direction(self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    """Each block reads in the direction of its own letters."""
    tokens[idx].attrSet("dir", "auto")
    return self.renderToken(tokens, idx, options, env)


def rendered(text: str) -> Markup:
    """A text as HTML, whatever it is; what a page must not obey (direction overrides, controls) is written out."""
    shown = in_page(text)
    if len(shown) > _LONGEST:
        return plain(text)
    html = _parser().render(shown)
    if len(html) < 0.9 * len(shown):  # what is nested too deep, or defines a link, would not be seen
        return plain(text)
    return Markup(html)  # noqa: S704 - the parser lets no HTML of the text through


def plain(text: str) -> Markup:
    """A text as it is written."""
    return Markup('<div class="plain" dir="auto">{}</div>').format(escape(in_page(text)))
