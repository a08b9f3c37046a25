"""A page taken apart, and what holds of every page: it is well-formed, inert, and admits nothing but its own."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "h4", "nav", "a", "ul", "ol",
    "li", "b", "section", "table", "thead", "tbody", "tr", "th", "td", "span", "code", "dl", "div", "dt", "dd", "p",
    "pre", "mark", "details", "summary", "figure", "figcaption", "label", "select", "option", "input", "output",
    "script", "svg", "g", "desc", "rect", "circle", "line", "text", "path",
}  # fmt: skip


class Parsed(HTMLParser):
    """The page taken apart; raises where tags do not close one another."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, *within: str) -> str:
        return "".join(data for tag, data in self.texts if not within or tag in within)


def assert_inert(page: str) -> Parsed:
    """The page has elements of its own alone, and none that acts or fetches."""
    parsed = Parsed(page)
    assert {tag for tag, _ in parsed.tags} <= ALLOWED
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "action") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert [each.get("http-equiv") for each in parsed.all("meta") if "http-equiv" in each] == [
        "Content-Security-Policy"
    ]
    return parsed


def assert_admits(page: str, *tags: str) -> None:
    """The policy, which stands before all text, admits the one element of each of these tags by its hash."""
    (policy,) = (each["content"] for each in Parsed(page).all("meta") if "http-equiv" in each)
    rules = dict(rule.strip().split(" ", 1) for rule in (policy or "").split(";"))
    assert set(rules) == {"default-src", "base-uri", "form-action", *(f"{tag}-src" for tag in tags)}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag in tags:
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert page.index("Content-Security-Policy") < page.index("<title>")
