"""The frame of a self-contained HTML page, and the parts that several pages are made of.

A page asks the network for nothing, and a browser lets nothing in it run but its own script: texts of rows are
escaped where they are put in, and the content security policy admits the page's style and script by their hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from dsforge.report.markup import Html, clip, element

MAX_BYTES = 300_000
"""No page is larger, however much there is to tell."""

_HERE = Path(__file__).parent
_MOST_FILES = 20


def document(title: str, *main: str, styles: Sequence[str] = ("page.css",), script: str = "") -> Html:
    """The page; `styles` and `script` name files of this folder."""
    style = Html("".join(map(_own, styles)))
    own_script = _own(script) if script else Html("")
    admitted = f"style-src {_hash(style)};" + (f" script-src {_hash(own_script)};" if script else "")
    policy = f"default-src 'none'; {admitted} base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    scripts = [element("script", own_script)] if script else []
    body = element("body", element("main", *main), *scripts)
    return Html("<!doctype html>\n" + element("html", head, body, lang="en") + "\n")


def _own(name: str) -> Html:
    """A page's style or script, which stands in the page as it is."""
    return Html((_HERE / name).read_text(encoding="utf-8"))


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def header(title: str, sections: Sequence[str], tiles: Sequence[Html]) -> Html:
    """The title, links to the sections (whose ids are their names) and the most important counts."""
    links = [element("a", name, href=f"#{name.lower()}") for name in sections]
    return element(
        "header",
        element("h1", title, dir="auto"),
        element("nav", *links, aria_label="Sections"),
        element("ul", *tiles, class_="tiles"),
    )


def tile(word: str, count: int | str, kind: str = "", detail: str = "") -> Html:
    """A count (or what else is to be seen first) with its word, coloured by `kind`; `detail` stands below."""
    below = [element("span", detail, class_="detail")] if detail else []
    told = count if isinstance(count, str) else f"{count:,}"
    return element("li", element("b", told, class_=kind or "none"), f" {word}", *below)


def facts(*pairs: tuple[str, str]) -> Html:
    """A list of terms, each with what holds of it."""
    entries = (element("div", element("dt", term), element("dd", fact)) for term, fact in pairs)
    return element("dl", *entries, class_="card")


def figure(title: str, drawn: Html, said: str, *more: Html) -> Html:
    """A plot under its title and a line of words."""
    return element("figure", element("figcaption", element("b", title), element("span", said)), drawn, *more)


def file_list(sources: Sequence[tuple[str, int]]) -> Html:
    """The first files by name with their sizes in bytes (0: not known), and how many more there are."""
    names = [
        element("li", element("span", clip(name, 200), class_="path"), f" {size(count)}" if count else "")
        for name, count in sources[:_MOST_FILES]
    ]
    if len(sources) > _MOST_FILES:
        names.append(element("li", f"and {len(sources) - _MOST_FILES:,} more"))
    return element("ul", *names)


def size(count: int) -> str:
    """Bytes for people: 812 bytes, 3.4 kB, 1.2 GB."""
    for unit, power in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= power:
            return f"{count / power:.1f} {unit}"
    return f"{count:,} bytes"
