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
from functools import lru_cache

from ahocorasick_rs import AhoCorasick, Implementation

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
    ("a Slack token", ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), r"x(?:ox[abprs]|app)-[A-Za-z0-9-]{20,}"),
    ("an npm token", ("npm_",), r"npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", ("pypi-",), r"pypi-[A-Za-z0-9_-]{50,}"),
    ("a SendGrid key", ("sg.",), r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("a Zhipu key", ("api_key", "apikey", "api key", "zhipu", "智谱", "bigmodel", "密钥"),
     r"[0-9a-f]{32}\.[A-Za-z0-9]{16}"),
    ("an Alibaba Cloud key", ("ltai",), r"LTAI[A-Za-z0-9]{12,26}"),
    ("a Tencent Cloud key", ("akid",), r"AKID[A-Za-z0-9]{28,32}"),
    ("an API key", ("gsk_", "xai-", "pplx-"), r"(?:gsk_|xai-|pplx-)[A-Za-z0-9]{40,}"),
    ("a signed token (JWT)", ("eyj",), r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    ("a private key", ("private key-----",), _PRIVATE_KEY),
)  # fmt: skip
_LOOKS = tuple(
    (what, re.compile((_BEFORE if look[0] != "-" else "") + f"(?:{look})" + _AFTER)) for what, _, look in _SECRETS
)
_BY_MARK = tuple(number for number, (_, marks, _) in enumerate(_SECRETS) for _ in marks)
_HELP = "remove it, and revoke it: the file has been copied"
_MADE_UP = re.compile(
    r"example|sample|dummy|fake|xxxx|your|\.\.\.|<|123456|abcdef|test|secret|password|passwd|changeme|\*\*\*|placeholder|passw0rd|p@ss",
    re.IGNORECASE,
)
_WORDS = ("secret", "token", "apikey", "api_key", "access_key", "accesskey", "密钥", "bearer")
_PASSWORDS = ("password", "passwd", "pwd", "密码", "口令")
_MARKS = (*(mark for _, marks, _ in _SECRETS for mark in marks), "://", *_WORDS, *_PASSWORDS)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,20}\Z")
_URL_PASSWORD = re.compile(r"[^\s:/@'\"<>{}$]{1,60}:[^\s/@'\"<>{}$]{6,60}@[\w.-]+")
_ASSIGNED = re.compile(
    r"[\"']?(?:\s{0,3}(?:[:=]|是|为|：)\s{0,3}(?:bearer )?| )"
    r"(?:[\"']([^\s\"'<>{}$]{20,64})[\"']|([0-9A-Za-z_./+-]{19,64}[0-9A-Za-z_]=?=?)(?![0-9A-Za-z_/+(\[-]|\.[0-9A-Za-z_]))",
    re.IGNORECASE,
)
_SET = re.compile(
    r"[\"']?\s{0,3}(?:[:=]\s{0,3}[\"']([^\s\"'<>{}$]{10,40})[\"']|=([^\s\"'<>{}$&;,()]{10,40})(?=$|[\s&;,])"
    r"|(?:是|为|：)\s?([!-~]{9,39}[0-9A-Za-z!@#$%^&*?~_=]))"
)
_GENERATED = re.compile(r"generat|random|strong|hash|regex|valid|生成|随机|强密码|校验|加密", re.IGNORECASE)
"""A question that speaks so has passwords answered that open nothing."""
_SCRAMBLED = re.compile(r"crypt|hash|cipher|base64|加密|解密|哈希", re.IGNORECASE)
"""Where this is spoken of, what is called a password may be what became of one."""
_DIGIT = re.compile(r"\d")
_DIGIT_OR_SIGN = re.compile(r"\d|[a-z].*[A-Z].*[!#%^&*?~]|[A-Z].*[a-z].*[!#%^&*?~]|[!#%^&*?~].*[a-z].*[A-Z]")
_WORD = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{5,}")


def _bits(text: str) -> float:
    """Shannon entropy, in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_made_up(secret: str) -> bool:
    """Whether it is an example as documentation writes them: few different characters, or saying so."""
    named = secret.startswith("sk-") and not _DIGIT.search(secret)  # words joined by hyphens begin so, too
    return named or len(set(secret)) < 10 or bool(_MADE_UP.search(secret))


def _is_by_chance(word: str) -> bool:
    """Whether it is a key or a password, and not a name: letters and digits, much entropy, next to no words."""
    if not _DIGIT_OR_SIGN.search(word) or not any(char.isalpha() for char in word) or _MADE_UP.search(word):
        return False
    return _bits(word) >= min(3.6, 0.85 * math.log2(len(word))) and 2 * sum(map(len, _WORD.findall(word))) < len(word)


@lru_cache(maxsize=1)
def _finder() -> AhoCorasick:
    return AhoCorasick(_MARKS, implementation=Implementation.DFA)


def _candidates(text: str, asked: str) -> Iterator[tuple[int, int, str]]:
    """All that may be a secret, as `(start, end, what it is)`, in no order."""
    looks: set[int] = set()
    for mark, start, end in _finder().find_matches_as_indexes(text.lower(), overlapping=True):
        if mark < len(_BY_MARK):
            looks.add(_BY_MARK[mark])
        elif _MARKS[mark] == "://":
            scheme, rest = _SCHEME.search(text, max(0, start - 21), start), _URL_PASSWORD.match(text, end)
            if scheme and rest and not _is_made_up(rest.group()):
                yield scheme.start(), rest.end(), "a password in a URL"
        else:
            is_key = _MARKS[mark] in _WORDS
            given = (_ASSIGNED if is_key else _SET).match(text, end)
            if not given or not given.lastindex or not _is_by_chance(given[given.lastindex]):
                continue
            if is_key or not (_GENERATED.search(asked) or _SCRAMBLED.search(asked) or _SCRAMBLED.search(text)):
                yield *given.span(given.lastindex), "a key" if is_key else "a password"
    for what, pattern in (_LOOKS[look] for look in looks):
        for match in pattern.finditer(text):
            if what == "a private key" or not _is_made_up(match.group()):
                yield *match.span(), what


def _find(text: str, asked: str) -> Iterator[tuple[int, int, str]]:
    """The secrets in a text, the longer one of two that overlap."""
    end = 0
    for start, stop, what in sorted(_candidates(text, asked), key=lambda found: (found[0], -found[1])):
        if start >= end:
            yield start, stop, what
            end = stop


def _check(example: Example, report: Report) -> None:
    asked = ""
    for index, message in enumerate(example.all_messages()):
        text = message.text
        for start, end, what in _find(text, asked):
            report(f"{what} ({text[start : start + 6]}...)", index, _HELP, span=(start, end), fix="[SECRET]")
        if message.reasoning:
            for start, _, what in _find(message.reasoning, asked):
                report(f"{what} ({message.reasoning[start : start + 6]}...) in the reasoning", index, _HELP)
        for call in message.tool_calls:
            asked += f"\n{call.name}"
            written = call.written if call.written is not None else repr(call.arguments)
            for start, _, what in _find(written, asked):
                report(f"{what} ({written[start : start + 6]}...) in the arguments of a call", index, _HELP)
        if message.role != "assistant":
            asked += f"\n{text}"


RULE = ExampleRule("P601", "error", _check, triggers=_MARKS, fix="unsafe")
