"""A key, token or password that opens something.

Why is this bad?
    Whoever asks the model the right way gets it, and so does everyone who has the file. What documentation writes in
    its place (few different characters, "your", "example") is not reported. Only the beginning is printed.

Bad:
    {"instruction": "Call the API", "output": "client = OpenAI(api_key='sk-proj-9fK2LmQ8xRz7TbVn4WcYd1EhGjUoPs63')"}

Good:
    {"instruction": "Call the API", "output": "client = OpenAI(api_key='sk-your-key-here')"}
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_BEFORE, _AFTER = r"(?<![0-9A-Za-z_/+-])", r"(?![0-9A-Za-z_-])"
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?!\s*(?:\.\.\.|-----))(?:\s|\\n)*(?:[A-Za-z0-9+/=]|\s|\\n){4,}"
# what it is, what must stand in the text in small letters, how it looks
_SECRETS = (
    ("an API key", ("sk-",), r"sk-(?:proj-|ant-|or-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}"),
    ("a Stripe key", ("sk_live_", "rk_live_"), r"[sr]k_live_[A-Za-z0-9]{20,}"),
    ("a Hugging Face token", ("hf_",), r"hf_[A-Za-z0-9]{30,}"),
    ("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,}"),
    ("a GitHub token", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{50,}"),
    ("a GitLab token", ("glpat-",), r"glpat-[A-Za-z0-9_-]{20,}"),
    ("an AWS access key", ("akia", "asia"), r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    ("a Google API key", ("aiza",), r"AIza[A-Za-z0-9_-]{35}"),
    ("a Google access token", ("ya29.",), r"ya29\.[A-Za-z0-9_-]{30,}"),
    ("a Slack token", ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-"), r"xox[abprs]-[A-Za-z0-9-]{20,}"),
    ("an npm token", ("npm_",), r"npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", ("pypi-",), r"pypi-[A-Za-z0-9_-]{50,}"),
    ("a SendGrid key", ("sg.",), r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("a Zhipu key", ("api_key", "apikey", "zhipu", "密钥"), r"[0-9a-f]{32}\.[A-Za-z0-9]{16}"),
    ("a signed token (JWT)", ("eyj",), r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    ("a private key", ("private key-----",), _PRIVATE_KEY),
)  # fmt: skip
_COMPILED = tuple(
    (what, marks, re.compile((_BEFORE if pattern[0] != "-" else "") + f"(?:{pattern})" + _AFTER))
    for what, marks, pattern in _SECRETS
)
_MADE_UP = re.compile(
    r"example|sample|dummy|fake|xxxx|your|\.\.\.|<|123456|abcdef|test|secret|password|passwd|changeme|\*\*\*|placeholder",
    re.IGNORECASE,
)
_WORDS = ("secret", "token", "apikey", "api_key", "access_key", "accesskey", "密钥")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}\Z")
_PASSWORD = re.compile(r"[^\s:/@'\"<>{}$]{1,60}:[^\s/@'\"<>{}$]{6,60}@[\w.-]+")
_ASSIGNED = re.compile(r"[\"']?\s{0,3}(?:[:=]|是|为|：)\s{0,3}[\"']([^\s\"'<>{}$]{20,64})[\"']")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[A-Za-z]{5,}")


def _bits(text: str) -> float:
    """Shannon entropy, in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_made_up(secret: str) -> bool:
    """Whether it is an example as documentation writes them: few different characters, or saying so."""
    named = secret.startswith("sk-") and not _DIGIT.search(secret)  # words joined by hyphens begin so, too
    return named or len(set(secret)) < 10 or bool(_MADE_UP.search(secret))


def _is_by_chance(word: str) -> bool:
    """Whether it is a key, and not a name: letters and digits, much entropy, no words."""
    mixed = any(char.isdigit() for char in word) and any(char.isalpha() for char in word)
    return mixed and _bits(word) >= 3.7 and not _MADE_UP.search(word) and not _WORD.search(word)


def _find(text: str) -> Iterator[tuple[str, int, int]]:
    lowered = text.lower()
    end = 0
    for what, marks, pattern in _COMPILED:
        if not any(mark in lowered for mark in marks):
            continue
        for match in pattern.finditer(text):
            if match.start() >= end and (what == "a private key" or not _is_made_up(match.group())):
                yield what, *match.span()
                end = match.end()
    for at in _places(text, "://"):
        scheme, rest = _SCHEME.search(text, max(0, at - 21), at), _PASSWORD.match(text, at + 3)
        if scheme and rest and not _is_made_up(rest.group()):
            yield "a password in a URL", scheme.start(), rest.end()
    for word in _WORDS:
        for at in _places(lowered, word):
            assigned = _ASSIGNED.match(text, at + len(word))
            if assigned and assigned.start(1) >= end and _is_by_chance(assigned.group(1)):
                yield "a key", *assigned.span(1)
                end = assigned.end(1)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        for what, start, end in _find(message.text):
            shown = message.text[start : start + 6]
            report(f"{what} ({shown}...)", index, "remove it, and revoke it: the file has been copied",
                   span=(start, end), fix="[SECRET]")  # fmt: skip


RULE = ExampleRule(
    "P601",
    "error",
    _check,
    triggers=(*(mark for _, marks, _ in _SECRETS for mark in marks), "://", *_WORDS),
    fix="unsafe",
)
