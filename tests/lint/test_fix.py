"""`--fix` mends what was reported, leaves every other byte alone, and has nothing to do the second time."""

# ruff: noqa: E501 - rows are easier compared as one line each

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsforge.errors import InputError, UsageError
from dsforge.lint.edit import Edit, apply_edits
from dsforge.lint.facts import Settings
from dsforge.lint.fix import fix
from dsforge.lint.rule import Documentation, Rule, all_rules, documentation
from dsforge.lint.run import lint
from dsforge.lint.target import for_target

# name, file, mended by the safe fixes
FILES = [
    ("trailing comma", b'{"instruction": "a", "output": "b",}\n', b'{"instruction": "a", "output": "b"}\n'),
    ("missing comma", b'{"instruction": "a" "output": "b"}\n', b'{"instruction": "a", "output": "b"}\n'),
    ("comment", b'{"instruction": "a", /* b */ "output": "b"} // c\n', b'{"instruction": "a",  "output": "b"} \n'),
    ("single quotes", b"{'instruction': 'it\\'s \"a\"', 'output': 'b'}\n", b'{"instruction": "it\'s \\"a\\"", "output": "b"}\n'),
    ("python words", b'{"instruction": "a", "output": "b", "x": None, "y": True}\n', b'{"instruction": "a", "output": "b", "x": null, "y": true}\n'),
    ("no quotes", b'{instruction: "a", "output": "b"}\n', b'{"instruction": "a", "output": "b"}\n'),
    ("raw tab", b'{"instruction": "a\tc", "output": "b"}\n', b'{"instruction": "a\\tc", "output": "b"}\n'),
    ("bad escape", b'{"instruction": "\\alpha", "output": "b"}\n', b'{"instruction": "\\\\alpha", "output": "b"}\n'),
    ("typographic quotes", '{“instruction”： "a"， "output": "b"}\n'.encode(), b'{"instruction": "a", "output": "b"}\n'),
    ("blank lines", b'{"instruction": "a", "output": "b"}\r\n\r\n  \r\n{"instruction": "c", "output": "d"}\r\n', b'{"instruction": "a", "output": "b"}\r\n{"instruction": "c", "output": "d"}\r\n'),
    ("byte order mark", b'\xef\xbb\xbf{"instruction": "a", "output": "b"}', b'{"instruction": "a", "output": "b"}'),
    ("several lines", b'{\n "instruction": "a b",\n "output": "c"\n}\n{\n}', b'{"instruction":"a b","output":"c"}\n{}\n'),
    ("array", b'[\n {"instruction": "a", "output": "b"}\n {"instruction": "c", "output": "d"},\n]\n', b'[\n {"instruction": "a", "output": "b"},\n {"instruction": "c", "output": "d"}\n]\n'),
    ("array not closed", b'[{"instruction": "a", "output": "b"},', b'[{"instruction": "a", "output": "b"}]\n'),
    ("a line that is a comment", b'// rows\n{"instruction": "a", "output": "b"}\n', b'{"instruction": "a", "output": "b"}\n'),
    ("many of a kind", b'{"instruction": "a", "output": "%s"}\n' % ("ａ b " * 30).encode(), b'{"instruction": "a", "output": "%s"}\n' % (b"a b " * 30).rstrip()),
    ("utf-16", '{"instruction": "你", "output": "b",}\n'.encode("utf-16"), '{"instruction": "你", "output": "b"}\n'.encode()),
    ("role", b'{"messages": [{"role": "User", "content": "a"}, {"content": "b", "role":"gpt"}]}\n', b'{"messages": [{"role": "user", "content": "a"}, {"content": "b", "role":"assistant"}]}\n'),
    ("role in escapes", b'{"messages": [{"role": "human", "content": "\\u4f60"}, {"role": "assistant", "content": "b"}]}\n', b'{"messages": [{"role": "user", "content": "\\u4f60"}, {"role": "assistant", "content": "b"}]}\n'),
]  # fmt: skip


@pytest.mark.parametrize(("content", "mended"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_file_is_mended_and_only_where_it_was_wrong(tmp_path: Path, content: bytes, mended: bytes) -> None:
    path = tmp_path / ("rows.json" if content.lstrip().startswith(b"[") else "rows.jsonl")
    path.write_bytes(content)
    done = fix([path])
    assert path.read_bytes() == mended
    assert sum(done.fixed.values()) >= 1
    assert fix([path]).fixed == {}
    assert path.read_bytes() == mended


@pytest.mark.parametrize(("content", "mended"), [case[1:] for case in FILES[:-3]], ids=[case[0] for case in FILES[:-3]])
@pytest.mark.skipif(not shutil.which("patch"), reason="patch is not installed")
def test_patch_takes_the_diff(tmp_path: Path, content: bytes, mended: bytes) -> None:
    path = tmp_path / ("rows.json" if content.lstrip().startswith(b"[") else "rows.jsonl")
    path.write_bytes(content)
    lines = fix([path], diff=True).diff
    assert path.read_bytes() == content
    patch = "\n".join(lines).encode() + b"\n"
    subprocess.run(["patch", "--binary", str(path)], input=patch, check=True, capture_output=True)
    assert path.read_bytes() == mended


def test_what_is_not_selected_or_is_spared_is_not_mended(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    content = b'{"instruction": "a", "output": "b",}\n\n'
    path.write_bytes(content)
    assert fix([path], select=["S"]).fixed == {}
    assert fix([path], per_file_ignores={"*.jsonl": ["J"]}).fixed == {}
    assert path.read_bytes() == content
    assert fix([path], ignore=["J001"]).fixed == {"J007": 1}
    assert path.read_bytes() == content[:-1]


def test_copies_go_only_with_unsafe_fixes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.json"
    row = '{"instruction": "a", "output": "b"}'
    other = '{"instruction": "c", "output": "d"}'
    first.write_text(f"{row}\n{row}\n{other}\n")
    second.write_text(f"[{row},\n{other.replace('d', 'e')},\n {row}]")
    assert fix([first, second]).fixed == {}
    assert fix([first, second], unsafe=True).fixed == {"D701": 3}
    assert first.read_text() == f"{row}\n{other}\n"
    assert second.read_text() == f"[{other.replace('d', 'e')}]"
    assert json.loads(second.read_text())
    assert fix([first, second], unsafe=True).fixed == {}


def test_an_array_that_ends_within_a_text_is_left_as_it_is(tmp_path: Path) -> None:
    """What was written after it would be part of the text: a bracket more with every run."""
    path = tmp_path / "rows.json"
    content = b'[{"instruction": "a", "output": "b"},\n{"instruction": "c'
    path.write_bytes(content)
    assert fix([path]).fixed == {}
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content", "mended"),
    [
        ("a.jsonl", b"# h\n%(a)s\n%(b)s\n// x\n%(a)s\n%(c)s\n", b"%(a)s\n%(b)s\n%(c)s\n"),
        ("a.json", b"[ // h\n%(a)s,\n%(b)s, /* x */\n%(a)s, %(c)s // y\n]", b"[\n%(a)s,\n%(b)s,\n%(c)s\n]"),
    ],
)
def test_comments_between_rows_go_and_no_row_but_the_copy(
    tmp_path: Path, name: str, content: bytes, mended: bytes
) -> None:
    rows = {key: b'{"instruction": "%s", "output": "b"}' % key for key in (b"a", b"b", b"c")}
    path = tmp_path / name
    path.write_bytes(content % rows)
    assert fix([path], unsafe=True).fixed["D701"] == 1
    assert path.read_bytes() == mended % rows
    assert fix([path], unsafe=True).fixed == {}


BEHIND_A_COMMENT = """// rows
{
 "instruction": "a",
 "output": ["b",
  "c",]
}
{
 "instruction": "a", "output": ["b", "c"]
}
"""


def test_one_run_mends_what_others_uncover(tmp_path: Path) -> None:
    """A comment on the first line hides that the rows take several lines."""
    path, other = tmp_path / "rows.jsonl", tmp_path / "other.jsonl"
    for file in (path, other):
        file.write_text(BEHIND_A_COMMENT)
    diff = fix([path], diff=True)
    assert path.read_text() == BEHIND_A_COMMENT
    assert fix([path]).fixed == diff.fixed
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows == [{"instruction": "a", "output": ["b", "c"]}] * 2
    assert fix([path]).fixed == {}
    if shutil.which("patch"):
        patch = "\n".join(diff.diff).encode() + b"\n"
        subprocess.run(["patch", "--binary", str(other)], input=patch, check=True, capture_output=True)
        assert other.read_bytes() == path.read_bytes()


def test_no_row_is_taken_out_by_a_number_that_leads_to_another_one(tmp_path: Path) -> None:
    """Copies are found in the mended file, where rows may have other numbers than in the file as it was."""
    path = tmp_path / "rows.jsonl"
    row = '{\n"instruction": "a",\n"output": "b"\n}\n'
    path.write_text(f"// a comment hides that a row takes several lines\n{row}{row}")
    fix([path], unsafe=True)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"instruction": "a", "output": "b"}]


# quotes within texts in single quotes hide where a row ends
HIDDEN = [
    """[{'instruction': 'say "hi', 'output': 'b'},\n{"instruction": "q}, {", "output": "it's"},\n{"a": "x"}]\n""",
    """[{'instruction': '[', 'output': '"'},\n{'instruction': 'c"', 'output': 'q}, {'},\n{'a': 'its'}]\n""",
]


@pytest.mark.parametrize("content", HIDDEN)
def test_rows_without_certain_bounds_are_left_as_they_are(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    assert fix([path], unsafe=True).fixed == {}
    assert path.read_text() == content


def test_pieces_of_rows_are_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    content = '{"instruction": "a", "output": "b"}\n"c",\n1,\n{"instruction": "d", "output": "e"}\n'
    path.write_text(content)
    assert fix([path], unsafe=True).fixed == {}
    assert path.read_text() == content


def test_a_file_named_twice_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    content = '{"instruction": "a", "output": "b"}\n{"instruction": "c", "output": "d"}\n'
    path.write_text(content)
    (tmp_path / "link.jsonl").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    assert fix(["rows.jsonl", "./rows.jsonl", path, "link.jsonl"], unsafe=True).fixed == {}
    assert path.read_text() == content


def test_copies_stay_where_their_rule_is_ignored(tmp_path: Path) -> None:
    kept, mended = tmp_path / "kept.jsonl", tmp_path / "mended.jsonl"
    rows = '{"instruction": "a", "output": "b"}\n' * 2
    kept.write_text(rows)
    mended.write_text(rows)
    assert fix([kept, mended], per_file_ignores={"kept.*": ["D701"]}, unsafe=True).fixed == {"D701": 2}
    assert kept.read_text() == rows
    assert mended.read_text() == ""


def test_a_pattern_fits_a_file_in_another_encoding_too(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "rows.jsonl"
    path.parent.mkdir()
    path.write_text('{"instruction": "你", "output": "b",}\n', encoding="utf-16")
    fix([path], per_file_ignores={"*/raw/*": ["J001"]})
    assert path.read_text("utf-8") == '{"instruction": "你", "output": "b",}\n'


@pytest.mark.parametrize("unsafe", [False, True])
def test_what_is_not_json_is_not_touched_nor_is_any_other_file(tmp_path: Path, unsafe: bool) -> None:
    path, readme = tmp_path / "rows.jsonl", tmp_path / "README.md"
    path.write_text('{"instruction": "a", "output": "b",}\n')
    readme.write_text("# Title\n\nSome words.\n\n## More\n\n[a link](https://example.org)\n")
    before = path.read_bytes(), readme.read_bytes()
    for diff in (False, True):
        with pytest.raises(InputError, match="is not JSON or JSONL"):
            fix([path, readme], unsafe=unsafe, diff=diff)
    assert (path.read_bytes(), readme.read_bytes()) == before


def test_rows_over_several_lines_stay_while_one_of_them_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    content = b'{\n "instruction": "a",\n "output": "b"\n}\n{\n "instruction": ?,\n "output": "d"\n}\n'
    path.write_bytes(content)
    assert fix([path]).fixed == {}
    assert path.read_bytes() == content
    path.write_bytes(content.replace(b"?", b'"c"'))
    assert fix([path]).fixed == {"J009": 1}
    assert path.read_bytes().count(b"\n") == 2


def test_a_field_is_not_renamed_to_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    content = (
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "conten": "x", "content": "b"}]}\n'
    )
    path.write_bytes(content)
    assert [(found.code, found.fixable) for found in lint([path], select=["S111"]).findings] == [("S111", False)]
    assert fix([path], unsafe=True).fixed == {}


def test_what_stands_in_a_text_is_not_said_to_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    said = json.dumps([{"role": "user", "content": "a"}, {"role": "bot", "content": "b"}])
    path.write_text(json.dumps({"messages": said}) + "\n")
    assert [(found.code, found.fixable) for found in lint([path], select=["S103"]).findings] == [("S103", False)]
    call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    turns = [{"from": "human", "value": "a"}, {"from": "function_call", "value": f"Let me look.\n{call}"}]
    path.write_text(json.dumps({"conversations": turns}) + "\n")
    [found] = lint([path], select=["X824"], settings=for_target(Settings(), "azure")).findings
    assert (found.pointer, found.fixable) == ("/conversations/1/value", False)


def test_a_column_that_says_something_is_not_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"prompt": "Hi", "response": "Hello!", "source": "web"}\n')
    together = for_target(Settings(), "together")
    assert fix([path], select=["X810"], settings=together, unsafe=True).fixed == {"X810": 1}
    assert path.read_bytes() == b'{"prompt": "Hi", "response": "Hello!"}\n'


def test_the_mode_and_a_clean_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"instruction": "a", "output": "b"}\n')
    path.chmod(0o640)
    before = path.stat()
    fix([path])
    assert path.stat().st_ino == before.st_ino
    path.write_bytes(b'{"instruction": "a", "output": "b",}\n')
    fix([path])
    assert path.stat().st_mode == before.st_mode


def test_what_cannot_be_mended_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("instruction,output\na,b\n")
    with pytest.raises(UsageError, match="convert it first"):
        fix([path])
    with pytest.raises(UsageError, match="name a file"):
        fix(["-"])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
rows = st.fixed_dictionaries({"a": texts, "b": st.lists(texts, min_size=1, max_size=3), "ö/~": texts})


@given(rows, st.booleans(), texts, st.integers(0, 12), st.integers(0, 12))
def test_an_edit_changes_what_it_names(row: dict[str, object], ascii: bool, text: str, one: int, two: int) -> None:
    raw = json.dumps(row, ensure_ascii=ascii).encode()
    old = str(row["ö/~"])
    start, end = sorted((min(one, len(old)), min(two, len(old))))
    expected = json.loads(raw)
    changed, made = apply_edits(raw, [Edit("text", "/ö~1~0", text, start, end)])
    expected["ö/~"] = old[:start] + text + old[end:]
    assert (json.loads(changed), made) == (expected, [0])
    changed, _ = apply_edits(changed, [Edit("remove", "/b/0"), Edit("rename", "/a", "z"), Edit("replace", "/ö~1~0", 1)])
    expected["b"].pop(0)
    expected = {"z": expected["a"], "b": expected["b"], "ö/~": 1}
    assert json.loads(changed) == expected
    assert apply_edits(changed, [Edit("remove", "/nowhere")]) == (changed, [])


def test_of_two_edits_of_one_place_the_first_is_made() -> None:
    raw, made = apply_edits(b'{"a": "xyz"}', [Edit("text", "/a", "1", 0, 2), Edit("text", "/a", "2", 1, 3)])
    assert (raw, made) == (b'{"a": "1z"}', [0])


MENDERS = [rule for rule in all_rules().values() if rule.fix]


def _documented(rule: Rule) -> tuple[Documentation, Settings]:
    said = documentation(rule)
    return said, Settings().with_text(said.options)


@pytest.mark.parametrize("rule", MENDERS, ids=lambda rule: rule.code)
def test_a_rule_that_mends_mends_its_own_example(rule: Rule, tmp_path: Path) -> None:
    said, settings = _documented(rule)
    paths = [tmp_path / name for name in said.bad]
    for path, content in zip(paths, said.bad.values(), strict=True):
        path.write_bytes(content)
    before = lint(paths, select=[rule.code], settings=settings)
    fixable = [finding for finding in before.findings if finding.fixable]
    done = fix(paths, select=[rule.code], settings=settings, unsafe=rule.fix == "unsafe")
    assert done.fixed.get(rule.code, 0) >= 1
    after = lint(paths, select=[rule.code], settings=settings)
    assert len(after.findings) <= len(before.findings) - len(fixable)
    assert fix(paths, select=[rule.code], settings=settings, unsafe=rule.fix == "unsafe").fixed == {}


@given(st.lists(st.sampled_from([case[1] for case in FILES[:10]]), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mending_is_done_once(tmp_path: Path, parts: list[bytes]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(parts))
    fix([path], unsafe=True)
    once = path.read_bytes()
    fix([path], unsafe=True)
    assert path.read_bytes() == once
