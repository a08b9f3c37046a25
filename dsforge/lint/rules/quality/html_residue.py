"""HTML that was left over when a page was made text.

Why is this bad?
    The model learns to write `&nbsp;` and `<br>` where nobody will see a page. Code blocks, and rows that are about
    HTML or XML, are not looked at.

Bad:
    {"instruction": "Describe Ulm", "output": "Ulm is old.<br>It has a&nbsp;minster."}

Good:
    {"instruction": "How do I break a line in HTML?", "output": "With <br>."}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_RESIDUE = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|mdash|ndash|rsquo|lsquo|rdquo|ldquo|hellip|bull|copy|#\d{2,5}|#x[0-9a-fA-F]{2,4});"
    r"|<br ?/?>|</?p>|</(?:strong|em|[bi]|li|ul|ol|h[1-6]|blockquote|div|span|font)>"
)
_ABOUT = re.compile(
    r"html|xml|svg|css|jsx|\b(?:react|vue|angular)\b|web ?page|website|javascript|markup|\btags?\b|template|<!doctype"
    r"|php|xss|escape|\bentit(?:y|ies)\b|\burls?\b|crawl|scrap|网页|标签|前端|爬虫|转义|模板",
    re.IGNORECASE,
)
_TRIGGERS = tuple(
    "&nbsp; &amp; &lt; &gt; &quot; &apos; &mdash; &ndash; &rsquo; &lsquo; &rdquo; &ldquo; &hellip; &bull; &copy; &# <br"
    " <p> </p> </b> </i> </strong> </em> </li> </ul> </ol> </h1> </h2> </h3> </h4> </h5> </h6> </blockquote> </div>"
    " </span> </font>".split()
)


def _check(example: Example, report: Report) -> None:
    messages = example.all_messages()
    if any(_ABOUT.search(message.text) for message in messages if message.role != "assistant"):
        return
    for index, message in enumerate(wanted_messages(example)):
        text = message.text
        if message.role != "assistant" or "```" in text or "<!" in text or "<html" in text:
            continue
        if found := _RESIDUE.search(text):
            if text[found.start() - 1 : found.start()] == "`":
                continue
            report(f"{found.group()!r} is left over from a page", index, "convert the HTML to text",
                   span=found.span())  # fmt: skip


RULE = ExampleRule("Q506", "warning", _check, triggers=_TRIGGERS)
