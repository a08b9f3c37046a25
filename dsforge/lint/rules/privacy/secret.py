"""A key, a token or a private key in the text.

Why is this bad?
    A model repeats what it was trained on, to anyone. The finding shows the first characters only. Only
    forms with a fixed prefix are looked for; a secret without one is not found.

Bad:
    {"instruction": "Set up the client", "output": "client = Client('sk-proj-Zt4K9qLw83nVbXc27RmYp1HsDfGj6TaE')"}

Good:
    {"instruction": "Set up the client", "output": "client = Client(os.environ['OPENAI_API_KEY'])"}
"""

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report

_SECRETS = {
    "an API key": re.compile(r"\bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{50,}"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Google API key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
}
_PREFIXES = ("sk-", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AKIA", "ASIA", "AIza", "xox",
             "PRIVATE KEY")  # fmt: skip


def _is_made_up(secret: str) -> bool:
    """Whether it is an example as documentation writes them: few different characters, or saying so."""
    lowered = secret.lower()
    return len(set(secret)) < 10 or any(word in lowered for word in ("example", "xxxx", "your", "1234567890"))


def _may_hold_secret(text: str) -> bool:
    for prefix in _PREFIXES:  # noqa: SIM110 - any() takes twice as long, and this runs on every message
        if prefix in text:
            return True
    return False


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        text = message.text
        if not _may_hold_secret(text):
            continue
        for what, pattern in _SECRETS.items():
            if (found := pattern.search(text)) and (what == "a private key" or not _is_made_up(found.group())):
                report(f"{what} ({found.group()[:10]}...)", index, "remove it, and revoke it: the file has been copied")


RULE = ExampleRule("P601", "error", _check)
