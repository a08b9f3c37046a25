"""SARIF 2.1.0, which code scanning services and editors read: one log with the rules and every finding.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from dsforge import __version__
from dsforge.finding import Finding
from dsforge.lint.reporter import Reporter, Style
from dsforge.lint.rule import FAMILIES, Rule, all_rules, documentation
from dsforge.report.visible import on_one_line

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://pypi.org/project/dsforge/"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_LINK = re.compile(r"\[(?=[^\]]*\]\()")


class _Location(TypedDict, total=False):
    uri: str
    uriBaseId: str


def _message(text: str) -> dict[str, str]:
    """A message in which nothing of a row is taken for a placeholder (`{0}`) or a link (`[text](target)`)."""
    return {"text": _LINK.sub(r"\\[", _PLACEHOLDER.sub(r"{{\1}}", text))}


def _rule(rule: Rule) -> dict[str, object]:
    explained = documentation(rule)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": explained.summary},
        "fullDescription": {"text": " ".join(explained.why.split()) or explained.summary},
        "help": {"text": rule.doc},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [FAMILIES[rule.code[0]]]},
    }


def _location(path: str, base: Path) -> _Location:
    """A file under the working folder by its relative path, another by its file: URI, anything else by its name."""
    if path in ("-", "standard input"):
        return {"uri": quote(path)}
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links out of the folder
    if absolute.is_relative_to(base):
        relative = absolute.relative_to(base).as_posix()
        return {"uri": quote(os.fsencode(relative), safe="/"), "uriBaseId": "%SRCROOT%"}
    return {"uri": absolute.as_uri()}


class _Results:
    """Makes the result objects of one log."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._index = {code: number for number, code in enumerate(codes)}
        self._base = Path.cwd()
        self._locations: dict[str, _Location] = {}
        self._met: Counter[str] = Counter()

    def result(self, finding: Finding) -> dict[str, object]:
        if finding.path not in self._locations:
            self._locations[finding.path] = _location(finding.path, self._base)
        region: dict[str, object] = {"startLine": max(1, finding.line), "startColumn": max(1, finding.column)}
        if finding.excerpt:
            region["snippet"] = {"text": on_one_line(finding.excerpt)}
        text = on_one_line(finding.message) + (f"\n{on_one_line(finding.help)}" if finding.help else "")
        result: dict[str, object] = {"ruleId": finding.code}
        if finding.code in self._index:
            result["ruleIndex"] = self._index[finding.code]
        place = {"artifactLocation": self._locations[finding.path], "region": region}
        return result | {
            "level": _LEVELS[finding.severity],
            "message": _message(text),
            "locations": [{"physicalLocation": place}],
            "partialFingerprints": {"primaryLocationLineHash": self._fingerprint(finding)},
            "properties": {"row": finding.row, "pointer": on_one_line(finding.pointer)},
        }

    def _fingerprint(self, finding: Finding) -> str:
        """What stays the same when rows move: everything but the place; equal ones are numbered.

        GitHub would hash the first 100 characters of the line, which in JSONL are much the same in every row.
        """
        said = "\0".join((finding.path, finding.code, finding.pointer, finding.excerpt or finding.message))
        digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._met[digest] += 1
        return f"{digest}:{self._met[digest]}"


def _render(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    rules = all_rules()
    driver = {
        "name": "dsforge",
        "version": __version__,
        "informationUri": _HOME,
        "rules": [_rule(rule) for rule in rules.values()],
    }
    yield f'{{"$schema": "{_SCHEMA}", "version": "2.1.0", "runs": [{{'
    yield f'"tool": {json.dumps({"driver": driver})},'
    yield '"columnKind": "unicodeCodePoints", "results": ['
    results = _Results(rules)
    waiting = ""
    for finding in findings:  # a result to a line, so that a million of them need no memory
        if waiting:
            yield f"{waiting},"
        waiting = json.dumps(results.result(finding))
    if waiting:
        yield waiting
    yield "]}]}"


REPORTER = Reporter("sarif", _render, whole=True)
