"""`dsforge lint` and `dsforge rule` from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dsforge.lint.rule import all_rules
from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.shared_data import seed_files


def _lint(path: Path, *options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = as_json(dsforge("lint", path, *options, "--json"))["findings"]
    return found


def test_a_finding_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(
        '[\n  {"messages": [{"role": "user", "content": "你好"},\n    {"role": "assistant", "content": ""}]}\n]'
    )
    (finding,) = _lint(path)
    assert finding == {
        "code": "S104", "name": "empty-content", "severity": "error", "message": "the assistant message says nothing",
        "path": str(path), "row": 1, "line": 3, "column": 38, "pointer": "/messages/1/content",
        "help": "write the text or remove the row", "fixable": False, "unsafe_fix": False,
        "excerpt": '{"messages": [{"role": "user", "content": "你好"},     {"role": "assistant", "content": ""}]}',
        "mark": [86, 2],
    }  # fmt: skip


def test_text_for_people_and_for_grep(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b",}\n' * 7)
    full = dsforge("lint", path)
    assert full.returncode == 1
    assert f"{path}:1:35 J001 invalid-json row 1: trailing comma before `}}`" in full.stdout
    assert "remove this comma" in full.stdout
    assert "7  J001 invalid-json [error]  (2 not shown; --show 0 prints all)" in full.stdout
    concise = dsforge("lint", path, "--output-format", "concise", "--show", "0").stdout
    assert concise.count(": J001 trailing comma") == 7


def test_severity_decides_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n\n')
    assert dsforge("lint", path).returncode == 1
    assert dsforge("lint", path, "--fail-on", "error").returncode == 0
    assert dsforge("lint", path, "--ignore", "blank-line").returncode == 0
    assert dsforge("lint", path, "--select", "S,T").returncode == 0


def test_one_of_the_gravest_rules_is_proposed_to_be_explained(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(HELLO * 2 + EMPTY + COMMA)
    assert "Explain one: dsforge rule J001\n" in dsforge("lint", path).stdout  # D701 and S104 are found too


def test_unknown_rule_suggests_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n')
    assert_one_line_error(dsforge("lint", path, "--select", "unknown-rol"), "did you mean 'unknown-role'")
    assert_one_line_error(dsforge("rule", "unknown-rol"), "did you mean 'unknown-role'")
    for arguments in (["rule", "S999"], ["lint", path, "--select", "S999"], ["lint", path, "--ignore", "S999"]):
        done = dsforge(*arguments)
        assert_one_line_error(done, "there is no rule 'S999'; dsforge rule --all lists them")
        assert "B401" not in done.stderr


def test_rules_are_explained_and_listed() -> None:
    shown = dsforge("rule", "S103").stdout
    assert "S103 unknown-role" in shown
    assert "Why is this bad?" in shown
    listed = dsforge("rule", "--all", "--json")
    assert [rule["code"] for rule in json.loads(listed.stdout)["rules"]] == sorted(all_rules())
    assert set("JSTLBQPDX") == {code[0] for code in all_rules()}


BROKEN = """{
  "messages": [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "w", "arguments": ""},}]},
    {"role": "tool", "content": "{\\"temperature\\": 23}", "tool_call_id": "1",},
    {"role": "assistant", "content": "23 degrees"}
  ]
  "tools": []
}
"""


def test_every_mistake_of_a_broken_document_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    lines = BROKEN.splitlines()
    found = [(item["line"], item["column"], item["help"]) for item in _lint(path, "--select", "J001")]
    assert found == [
        (4, lines[3].index("},}") + 2, "remove this comma"),
        (5, lines[4].index(",}") + 1, "remove this comma"),
        (7, 4, "write `,` after this `]`"),
    ]


@pytest.mark.parametrize("path", [path for path in seed_files() if "as_published" in path.name], ids=str)
def test_the_published_example_that_is_broken(path: Path) -> None:
    places = [(item["line"], item["column"], item["help"]) for item in _lint(path, "--select", "J001")]
    assert places == [(5, 147, "remove this comma"), (9, 93, "remove this comma"), (28, 10, "write `,` after this `}`")]


COMMA = '{"instruction": "Say hello", "output": "Hello",}\n'
HELLO = '{"instruction": "Say hello", "output": "Hello"}\n'
EMPTY = '{"instruction": "Say bye", "output": ""}\n'


def test_the_text_and_a_caret_stand_under_the_finding(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(COMMA)
    lines = dsforge("lint", path).stdout.splitlines()
    assert lines[1] == f"    | {COMMA.strip()}"
    assert lines[2].index("^") - 6 == COMMA.index(",}")


def test_bytes_that_are_no_text_are_told_in_json_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"instruction": "caf\xe9", "output": "b"}\n')
    (finding,) = _lint(path, "--select", "J")
    assert finding["code"] == "J003"
    assert finding["excerpt"] == '{"instruction": "caf\ufffd", "output": "b"}'


def test_fix_mends_and_tells_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(COMMA + EMPTY + "\n")
    done = dsforge("lint", path, "--fix")
    assert done.returncode == 1
    assert path.read_text() == HELLO + EMPTY
    assert "2 changes made: 1 J001, 1 J007" in done.stdout
    assert "S104" in done.stdout
    assert as_json(dsforge("lint", path, "--fix", "--json"))["fixed"] == 0


def test_diff_shows_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(COMMA + HELLO)
    done = dsforge("lint", path, "--diff")
    assert done.returncode == 1
    assert done.stdout == f"--- {path}\n+++ {path}\n@@ -1,1 +1,1 @@\n-{COMMA}+{HELLO}"
    assert path.read_text() == COMMA + HELLO
    assert "1 change would be made by --fix" in done.stderr
    assert f"-{HELLO}" in dsforge("lint", path, "--diff", "--unsafe-fixes").stdout
    path.write_text(HELLO)
    assert dsforge("lint", path, "--diff").returncode == 0
    assert_one_line_error(dsforge("lint", path, "--unsafe-fixes"), "--unsafe-fixes", "--fix or --diff")


def test_a_baseline(tmp_path: Path) -> None:
    path, baseline = tmp_path / "rows.jsonl", tmp_path / "accepted.json"
    path.write_text(EMPTY)
    written = dsforge("lint", path, "--write-baseline", baseline)
    assert written.returncode == 0
    assert "1 finding accepted from now on" in written.stdout
    assert dsforge("lint", path, "--baseline", baseline).returncode == 0
    path.write_text(EMPTY + EMPTY.replace("bye", "goodbye"))
    done = dsforge("lint", path, "--baseline", baseline)
    assert done.returncode == 1
    assert "row 2" in done.stdout
    assert "row 1:" not in done.stdout
    assert "1 finding accepted by" in done.stderr
    assert_one_line_error(dsforge("lint", path, "--baseline", tmp_path / "no.json"), "no.json", "--write-baseline")


def test_the_project_says_what_is_checked(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in ("raw/rows.jsonl", "rows.jsonl"):
        (tmp_path / name).write_text(EMPTY)
    (tmp_path / "pyproject.toml").write_text('[tool.dsforge.lint.per-file-ignores]\n"raw/*" = ["S", "D"]\n')
    done = dsforge("lint", "raw/rows.jsonl", "rows.jsonl", "--ignore", "D", folder=tmp_path)
    assert "raw/rows.jsonl:" not in done.stdout
    assert "rows.jsonl:1:" in done.stdout
    (tmp_path / "pyproject.toml").write_text('[tool.dsforge.lint]\nignore = ["S104"]\nfail-on = "error"\n')
    assert dsforge("lint", "rows.jsonl", folder=tmp_path).returncode == 0
    (tmp_path / "dsforge.toml").write_text('[lint]\nselect = ["J"]\n')
    (tmp_path / "pyproject.toml").unlink()
    assert dsforge("lint", "rows.jsonl", folder=tmp_path).returncode == 0
    assert_one_line_error(dsforge("lint", "rows.jsonl", "--per-file-ignores", "S", folder=tmp_path), "PATTERN:RULES")


@pytest.mark.parametrize("name", ["sarif", "junit"])
def test_a_document_is_all_of_standard_output(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(EMPTY * 9)
    done = dsforge("lint", path, "--output-format", name)
    assert done.returncode == 1
    if name == "sarif":
        results = json.loads(done.stdout)["runs"][0]["results"]
        assert sum(result["ruleId"] == "S104" for result in results) == 9
    else:
        assert ElementTree.fromstring(done.stdout).tag == "testsuites"
    assert_one_line_error(dsforge("lint", path, "--output-format", name, "--json"), "both want standard output")


def test_a_page(tmp_path: Path) -> None:
    path, page = tmp_path / "rows.jsonl", tmp_path / "page.html"
    path.write_text(EMPTY + '{"instruction": "<script>alert(1)</script>", "output": ""}\n', encoding="utf-8")
    done = dsforge("lint", path, "--report", page)
    assert done.returncode == 1
    assert f"wrote {page}" in done.stderr
    content = page.read_text("utf-8")
    assert "S104" in content
    assert "&lt;script&gt;alert(1)" in content
    assert "<script>alert" not in content
    assert "counted by approximate" in content


def test_what_a_target_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n' * 12)
    done = dsforge("lint", path, "--target", "openai/gpt-4.1", "--ignore", "D")
    assert done.returncode == 0
    assert "closed to new users" in done.stderr
    assert_one_line_error(dsforge("lint", path, "--target", "zhipu/glm-4-airr"), "glm-4-airr", "did you mean")


def test_a_dry_run(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}]}\n')
    done = dsforge("lint", path, "--target", "local", "--dry-run", "--json")
    assert json.loads(done.stdout)["dry_run"]["stops"] == 1
    assert "would train nothing before this is mended" in dsforge("lint", path, "--target", "local", "--dry-run").stdout
    assert_one_line_error(dsforge("lint", path, "--dry-run"), "--dry-run", "--target")


def test_a_long_example_is_shortened_for_people_alone() -> None:
    shown = dsforge("rule", "B404").stdout
    assert "\n    ... 12 more rows\n" in shown
    assert '"Question 0"' in shown
    assert "Вопрос 19" in shown
    assert shown.count("Question") < 10
    assert max(map(len, dsforge("rule", "J005").stdout.splitlines())) < 320
    (rule,) = json.loads(dsforge("rule", "B404", "--json").stdout)["rules"]
    assert rule["doc"] == all_rules()["B404"].doc
    for code in ("S103", "D701"):  # short ones are as they stand
        assert all_rules()[code].doc in dsforge("rule", code).stdout


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a row to check, and things that are no place or file for an option."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "rows.jsonl").write_text(HELLO)
    (folder / "empty").mkdir()
    (folder / "README.md").write_text("# Title\n\nSome words.\n")
    return folder


ODD = [
    (["--model", "x"], ["--model x", "--target"]),
    (["--words", "none"], ["--words none", "no such folder"]),
    (["--words", "empty"], ["--words empty", "no lists", "violence.en.txt"]),
    (["--per-file-ignores", "x*:Q999"], ["--per-file-ignores 'x*:Q999'", "no rule 'Q999'", "dsforge rule --all"]),
    (["--per-file-ignores", "x*:duplicat-key"], ["did you mean 'duplicate-key'"]),
    (["--report", "none/page.html"], ["none does not exist", "mkdir"]),
    (["--report", "empty"], ["empty is a directory"]),
    (["--report", "rows.jsonl"], ["rows.jsonl is also an input"]),
    (["--write-baseline", "./rows.jsonl"], ["rows.jsonl is also an input"]),
    (["--write-baseline", "none/accepted.json"], ["none does not exist"]),
    (["--baseline", "none.json"], ["none.json does not exist", "--write-baseline"]),
    (["--output-format", "json"], ["--json"]),
    (["--diff", "--json"], ["--diff", "--json", "choose one"]),
    (["README.md"], ["README.md is not JSON or JSONL", "'# Title'"]),
    (["README.md", "--fix", "--unsafe-fixes"], ["README.md is not JSON or JSONL"]),
    (["README.md", "--diff"], ["README.md is not JSON or JSONL"]),
]


@pytest.mark.parametrize(("options", "said"), ODD, ids=[" ".join(case[0]) for case in ODD])
def test_what_cannot_be_done_is_said_before_the_work(odd: Path, options: list[str], said: list[str]) -> None:
    before = {path: path.read_bytes() for path in odd.iterdir() if path.is_file()}
    done = dsforge("lint", "rows.jsonl", *options, folder=odd)
    assert_one_line_error(done, *said)
    assert done.stdout == ""
    assert {path: path.read_bytes() for path in odd.iterdir() if path.is_file()} == before


def test_standard_input_has_no_baseline(odd: Path) -> None:
    for option in ("--write-baseline", "--baseline"):
        (odd / "accepted.json").write_text('{"version": 2, "accepted": {}}')
        done = dsforge("lint", "-", option, "accepted.json", folder=odd, stdin=EMPTY)
        assert_one_line_error(done, "standard input can be read once")
    (odd / "accepted.json").unlink()


def test_a_field_of_the_category_that_no_row_has(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"instruction": "Say it", "output": f"Hello {word}", "meta": {"topic": word}} for word in "ab"]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    said = "none of the 2 rows looked at has the field 'meta.topc' of --by"
    assert said in dsforge("lint", path, "--by", "meta.topc").stderr
    assert as_json(dsforge("lint", path, "--by", "meta.topc", "--json"))["rows_in"] == 2
    assert "--by" not in dsforge("lint", path, "--by", "meta.topic").stderr
    assert "--by" not in dsforge("lint", path).stderr
    assert dsforge("lint", "-", "--by", "meta.topc", stdin=HELLO).returncode == 0


def test_options_of_rules_that_run_only_when_selected_select_them(tmp_path: Path) -> None:
    path, words = tmp_path / "rows.jsonl", tmp_path / "words"
    path.write_text(HELLO)
    assert [found["code"] for found in _lint(path, "--min-rows", "2")] == ["B402"]
    assert _lint(path, "--min-rows", "1") == _lint(path) == []
    assert [found["code"] for found in _lint(path, "--select", "Q", "--min-rows", "2")] == ["B402"]
    assert _lint(path, "--min-rows", "2", "--ignore", "B402") == []
    words.mkdir()
    (words / "greeting.en.txt").write_text("hello\n")
    assert {found["code"] for found in _lint(path, "--words", words)} == {"P608"}
    path.write_text(EMPTY)
    assert {found["code"] for found in _lint(path, "--min-rows", "2")} == {"B402", "S104"}  # and those by default


def test_how_many_rows_mending_takes_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    broken = '{"instruction": "Say bye", "output": "\\ud83d Bye"}\n'
    path.write_text(COMMA + HELLO * 3 + broken)
    said = dsforge("lint", path).stdout
    assert "Can be mended: 1 with --fix, 3 with --fix --unsafe-fixes (2 by taking rows out);" in said
    path.write_text(HELLO * 2)
    assert "1 with --fix --unsafe-fixes (1 by taking a row out);" in dsforge("lint", path).stdout
    path.write_text(COMMA)
    assert "Can be mended: 1 with --fix; --diff in place of --fix shows how" in dsforge("lint", path).stdout


def test_a_baseline_that_accepts_all_is_not_a_file_without_flaws(tmp_path: Path) -> None:
    path, accepted = tmp_path / "rows.jsonl", tmp_path / "accepted.json"
    path.write_text(EMPTY + COMMA)
    assert "Nothing new" in dsforge("lint", path, "--write-baseline", accepted).stdout
    done = dsforge("lint", path, "--baseline", accepted)
    assert done.returncode == 0
    assert "Nothing new: 2 rows" in done.stdout
    assert "All checks passed" not in done.stdout
    assert dsforge("lint", path, "--baseline", accepted, "--select", "S").returncode == 0  # fewer rules
    path.write_text('{"output":  "",   "instruction": "Say bye"}\n' + COMMA)
    assert dsforge("lint", path, "--baseline", accepted).returncode == 0
    assert dsforge("lint", path, "--baseline", accepted, "--target", "openai").returncode == 1
    accepted.write_text('{"version": 1, "accepted": {}}')
    assert_one_line_error(dsforge("lint", path, "--baseline", accepted), "an older dsforge", "--write-baseline")


def test_the_command_that_a_help_names_converts(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(
        b'{"instruction": "a", "output": "b"}\n' + '{"instruction": "你好世界", "output": "c"}\n'.encode("gb18030")
    )
    (finding,) = _lint(path, "--select", "J003")
    command = str(finding["help"]).partition("dsforge ")[2].split()
    assert "--encoding" in command
    names = {"FILE": path, "OUT": out, "FORMAT": "alpaca"}
    assert dsforge(*[names.get(word, word) for word in command]).returncode == 0
    assert "你好世界" in out.read_text("utf-8")


def test_a_patch_of_long_lines_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(f'[{{"instruction": "{"a" * 3000}", "output": "b",}}]')
    done = dsforge("lint", path, "--diff")
    assert "the patch has lines of 3,0" in done.stderr
    assert done.stdout.startswith("--- ")
    path.write_text(f"[{COMMA}]")
    assert "the patch has lines" not in dsforge("lint", path, "--diff").stderr
