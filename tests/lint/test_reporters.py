"""Reporters: what others parse is valid whatever the rows hold, and nothing in a row reaches the terminal raw."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.cli.output import printable
from dsforge.errors import UsageError
from dsforge.finding import SEVERITIES, Finding
from dsforge.lint.reporter import all_reporters, get_reporter
from dsforge.lint.rule import all_rules
from dsforge.report.visible import columns, in_page, on_one_line

SARIF = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parent.parent / "data" / "sarif-2.1.0.json").read_bytes()), validate_formats=True
)
NASTY = {
    "quotes": "\"double\" and 'single' and `tick`",
    "cdata": "]]> <![CDATA[ &amp; </failure>",
    "lines": "one\ntwo\r\nthree\rfour",
    "nul": "a\x00b\x0b\x0c\x7f\x85\x9b",
    "escape": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "override": "user\u202egpj.exe\u2066\u2069\u200f",
    "command": "x\n::error::injected\n::set-output name=a::b",
    "separators": "a\u2028b\u2029c",
    "half": "half \ud83d character",
    "noncharacters": "\ufffe\uffff\U0001ffff",
    "placeholder": "{{name}} {0} [click](javascript:alert(1)) 100%",
    "wide": "全角　空格 😀👨\u200d👩 e\u0301",
}
PATHS = ("rows.jsonl", "my data/训练 集,v1:2.jsonl", "a%20b\nc\x1b[31m.jsonl", 'quote".jsonl', "-")


def plain(text: str, name: str) -> str:
    return text


def rendered(name: str, findings: Sequence[Finding]) -> list[str]:
    return list(get_reporter(name).render(findings, plain))


def found(
    code: str = "T201", *, message: str = "no answer", path: str = "rows.jsonl", row: int = 3, line: int = 3,
    column: int = 7, help: str = "write the answer", excerpt: str = "", mark: tuple[int, int] = (0, 0),
) -> Finding:  # fmt: skip
    rule = all_rules().get(code)
    name, severity = (rule.name, rule.severity) if rule else ("toy", "info")
    return Finding(code, name, severity, message, path, row, line, column, "/messages/0", help,
                   excerpt=excerpt, mark=mark)  # fmt: skip


def nasty_findings() -> list[Finding]:
    return [
        found(code, message=f"{name}: {text}", path=path, help=text, excerpt=text, mark=(1, 3), row=row)
        for row, (name, text) in enumerate(NASTY.items())
        for code, path in zip(("T201", "T202", "D703", "T201", "Z999"), PATHS, strict=True)
    ]


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
PATH_NAMES = ANYTHING.filter(lambda path: os.fsdecode(path.encode("utf-8", "replace")) == path) | st.just("\udcff")
SOME = st.builds(
    found,
    st.sampled_from([*list(all_rules())[:5], "Z999"]),
    message=ANYTHING, help=ANYTHING, excerpt=ANYTHING, path=PATH_NAMES.filter(lambda path: "\0" not in path),
    mark=st.tuples(st.integers(0, 40), st.integers(0, 40)), row=st.integers(0, 9),
)  # fmt: skip


def test_there_are_five_and_two_of_them_are_documents() -> None:
    assert {name: each.whole for name, each in all_reporters().items()} == {
        "concise": False, "full": False, "github": False, "junit": True, "sarif": True,
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"no output format 'sarfi'.*sarif"):
        get_reporter("sarfi")


# -- every reporter ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(all_reporters()))
def test_nothing_hostile_reaches_the_terminal(name: str) -> None:
    for line in rendered(name, nasty_findings()):
        shown = line.replace("\n", "") if name == "junit" else line
        assert shown.isprintable(), line
        assert printable(line) == line  # what the command line does to it changes nothing, so carets stay in place
        line.encode()


@given(st.lists(SOME, max_size=4))
def test_any_text_can_be_reported(findings: list[Finding]) -> None:
    for name, reporter in all_reporters().items():
        lines = rendered(name, findings)
        assert all(printable(line) == line for line in lines)
        "\n".join(lines).encode()
        if reporter.whole:
            assert lines
            "\n".join(lines).encode("ascii")  # a document survives any encoding of the terminal or the shell
    assert SARIF.is_valid(json.loads("\n".join(rendered("sarif", findings))))
    ElementTree.fromstring("\n".join(rendered("junit", findings)))


def test_no_findings_are_no_lines_but_a_whole_document() -> None:
    assert [rendered(name, []) for name in ("full", "concise", "github")] == [[], [], []]
    assert json.loads("\n".join(rendered("sarif", [])))["runs"][0]["results"] == []
    suite = ElementTree.fromstring("\n".join(rendered("junit", []))).find("testsuite")
    assert suite is not None
    assert suite.attrib["tests"] == "1"
    assert suite.attrib["failures"] == "0"
    assert [case.attrib["name"] for case in suite.iter("testcase")] == ["nothing found"]


# -- full ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("excerpt", "mark", "shown", "carets"),
    [
        ('"role": "usr", "x"', (9, 3), '"role": "usr", "x"', " " * 9 + "^^^"),
        ("你好，[您的姓名]！", (3, 6), "你好，[您的姓名]！", " " * 6 + "^" * 10),
        ("😀😀bad", (2, 3), "😀😀bad", "    ^^^"),
        ("e\u0301e\u0301x", (4, 1), "e\u0301e\u0301x", "  ^"),
        ("ｱﾊﾟ한글x", (5, 1), "ｱﾊﾟ한글x", " " * 7 + "^"),
        ("a\x1b[31mb", (6, 1), "a\\x1b[31mb", " " * 9 + "^"),
        ("a\u202eb", (1, 1), "a\\u202eb", " ^^^^^^"),
        ("a　b", (2, 1), "a  b", "   ^"),
        ("a\tb", (2, 1), "a\\tb", "   ^"),
        ("\u0301x", (0, 1), "\u0301x", "^"),  # a mark without a width is pointed at all the same
        ("abc", (2, 90), "abc", "  ^"),
        ("abc", (90, 1), "abc", "   ^"),
    ],
)
def test_carets_stand_under_what_is_meant(excerpt: str, mark: tuple[int, int], shown: str, carets: str) -> None:
    _, quoted, pointed, help = rendered("full", [found(excerpt=excerpt, mark=mark)])
    assert quoted == f"    | {shown}"
    assert pointed == f"    | {carets}"
    assert help == "    write the answer"


def test_full_prints_nothing_it_does_not_have() -> None:
    assert rendered("full", [found(help="", row=0)]) == ["rows.jsonl:3:7 T201 no-assistant no answer"]
    assert rendered("full", [found(help="", excerpt="abc")]) == [
        "rows.jsonl:3:7 T201 no-assistant row 3: no answer",
        "    | abc",
    ]


def test_full_colours_by_severity() -> None:
    lines = list(get_reporter("full").render([found(excerpt="abc", mark=(1, 1))], lambda text, name: f"<{name}>{text}"))
    assert lines == [
        "<bold>rows.jsonl:3:7 <red>T201 no-assistant row 3: no answer",
        "<dim>    | abc",
        "<dim>    |  <red>^",
        "<dim>    write the answer",
    ]


def test_concise_is_one_line_each() -> None:
    assert rendered("concise", [found(message="two\nlines")]) == ["rows.jsonl:3:7: T201 two\\nlines"]


# -- github --------------------------------------------------------------------------------------------

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::([^\r\n]*)")


def test_github_commands_are_read_back_as_they_were_meant() -> None:
    for finding, line in zip(nasty_findings(), rendered("github", nasty_findings()), strict=True):
        command = COMMAND.fullmatch(line)
        assert command, line
        assert command[1] == {"error": "error", "warning": "warning", "info": "notice"}[finding.severity]
        fields = dict(pair.split("=", 1) for pair in command[2].split(","))
        assert {name: unquote(value) for name, value in fields.items()} == {
            "file": on_one_line(finding.path), "line": "3", "col": "7", "title": f"{finding.code} {finding.name}",
        }  # fmt: skip
        row = f"row {finding.row}: " if finding.row else ""
        assert unquote(command[3]) == f"{row}{on_one_line(finding.message)}\n{on_one_line(finding.help)}"


def test_github_escapes() -> None:
    finding = found(path="a,b:c%.jsonl", message="50% of: a, b", help="", line=0, column=0)
    assert rendered("github", [finding]) == [
        "::error file=a%2Cb%3Ac%25.jsonl,line=1,col=1,title=T201 no-assistant::row 3: 50%25 of: a, b"
    ]


# -- sarif ---------------------------------------------------------------------------------------------


def sarif(findings: Sequence[Finding]) -> Any:
    log = json.loads("\n".join(rendered("sarif", findings)))
    problems = [f"{error.instance_path}: {error.message}" for error in SARIF.iter_errors(log)]
    assert problems == []
    return log["runs"][0]


def test_the_schema_refuses_what_is_no_sarif() -> None:
    assert not SARIF.is_valid({"version": "2.1.0"})
    assert not SARIF.is_valid({"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]})


def test_sarif_is_valid_and_holds_every_finding_and_rule() -> None:
    findings = nasty_findings()
    run = sarif(findings)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(all_rules())
    for rule in rules:
        assert rule["fullDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    results = run["results"]
    assert len(results) == len(findings)
    for finding, result in zip(findings, results, strict=True):
        assert result["ruleId"] == finding.code
        assert "ruleIndex" not in result or rules[result["ruleIndex"]]["id"] == finding.code
        assert ("ruleIndex" in result) == (finding.code != "Z999")
        assert result["level"] == {"error": "error", "warning": "warning", "info": "note"}[finding.severity]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (3, 7)
        assert region["snippet"]["text"] == on_one_line(finding.excerpt)
    assert run["columnKind"] == "unicodeCodePoints"


def test_sarif_messages_hold_no_placeholder_and_no_link_of_a_row() -> None:
    (result,) = sarif([found(message=NASTY["placeholder"])])["results"]
    text = "{{name}} {{0}} \\[click](javascript:alert(1)) 100%\nwrite the answer"
    assert result["message"]["text"] == text


def test_sarif_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [
        "my data/训练 集:1.jsonl",
        str(tmp_path / "b.jsonl"),
        "./a/../c.jsonl",
        "../up.jsonl",
        "-",
        "d\udcff.jsonl",
    ]
    results = sarif([found(path=path, line=0, column=0) for path in paths])["results"]
    places = [result["locations"][0]["physicalLocation"] for result in results]
    locations = [place["artifactLocation"] for place in places]
    root = {"uriBaseId": "%SRCROOT%"}
    assert locations == [
        {"uri": "my%20data/%E8%AE%AD%E7%BB%83%20%E9%9B%86%3A1.jsonl", **root},
        {"uri": "b.jsonl", **root},
        {"uri": "c.jsonl", **root},
        {"uri": (tmp_path.parent / "up.jsonl").as_uri()},
        {"uri": "-"},
        {"uri": "d%FF.jsonl", **root},
    ]
    assert all(place["region"]["startLine"] == place["region"]["startColumn"] == 1 for place in places)


def test_fingerprints_survive_moved_rows_and_tell_findings_apart() -> None:
    def fingerprints(findings: list[Finding]) -> list[str]:
        results = sarif(findings)["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    before = fingerprints([found(excerpt="a"), found(excerpt="b"), found(excerpt="a"), found("T202", excerpt="a")])
    assert len(set(before)) == 4
    after = fingerprints([found(excerpt="a", row=9, line=90, column=1), found(excerpt="b", row=10)])
    assert after == before[:2]


# -- junit ---------------------------------------------------------------------------------------------


def junit(findings: Sequence[Finding]) -> ElementTree.Element:
    return ElementTree.fromstring("\n".join(rendered("junit", findings)))


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_rule() -> None:
    findings = [
        found("T202", path="b.jsonl"), found("T201", path="b.jsonl"),
        found("T201", path="b.jsonl", row=8, message="none"),
        found("D703", path="a.jsonl", row=0, help=""),
    ]  # fmt: skip
    root = junit(findings)
    assert root.tag == "testsuites"
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("3", "2", "0")
    suites = root.findall("testsuite")
    assert [suite.attrib["name"] for suite in suites] == ["b.jsonl", "a.jsonl"]
    assert [(suite.attrib["tests"], suite.attrib["failures"]) for suite in suites] == [("2", "2"), ("1", "0")]
    first, second = suites[0].findall("testcase")
    assert first.attrib == {"classname": "b.jsonl", "name": "T201 no-assistant", "time": "0"}
    assert second.attrib["name"] == "T202 ends-without-assistant"
    failure = first.find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "error", "message": "no answer (and 1 more)"}
    assert (failure.text or "").splitlines() == [
        "b.jsonl:3:7: row 3: no answer (write the answer)",
        "b.jsonl:3:7: row 8: none (write the answer)",
    ]
    info = suites[1].find("testcase")
    assert info is not None
    assert [child.tag for child in info] == ["system-out"]  # information fails no build
    assert info[0].text == "a.jsonl:3:7: no answer"


def test_junit_reads_nasty_texts_back() -> None:
    findings = nasty_findings()
    root = junit(findings)
    assert [suite.attrib["name"] for suite in root.iter("testsuite")] == [on_one_line(path) for path in PATHS]
    listed = "\n".join(element.text or "" for element in root.iter() if element.tag in ("failure", "system-out"))
    for finding in findings:
        assert on_one_line(f": {finding.message} ({finding.help})") in listed


def test_junit_lists_the_first_hundred_places() -> None:
    failure = junit([found(row=row) for row in range(1, 251)]).find("testsuite/testcase/failure")
    assert failure is not None
    lines = (failure.text or "").splitlines()
    assert len(lines) == 101
    assert lines[-1] == "150 more not listed"


# -- what is shown -------------------------------------------------------------------------------------


@given(ANYTHING)
def test_visible_text(text: str) -> None:
    line = on_one_line(text)
    assert line.isprintable()
    assert on_one_line(line) == line
    assert columns(line) >= 0
    paged = in_page(text)
    paged.encode()
    kept = set(paged) - set("\n\t")
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in kept)
    assert not kept & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    if text.isprintable():
        assert line == text


def test_every_severity_has_a_word_in_every_format() -> None:
    for severity in SEVERITIES:
        finding = Finding("Z1", "toy", severity, "m", "a.jsonl", 1, 1, 1)
        for name in all_reporters():
            assert rendered(name, [finding])
