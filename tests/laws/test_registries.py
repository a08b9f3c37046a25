"""Adding a format or a rule is adding a file: a toy of each is dropped in, and every command picks it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import dsforge
from dsforge.formats.format import all_formats
from dsforge.io.rejects import CODES
from dsforge.lint.facts import Settings
from dsforge.lint.rule import EXAMPLE_FILE, FAMILIES, BytesRule, Rule, all_rules, documentation
from dsforge.lint.run import lint

CASES = Path(__file__).parents[1] / "cases"
RULES = list(all_rules().values())

TOY_FORMAT = '''
"""Toy."""
from dsforge.example import Example, Message
from dsforge.formats.format import Format

FORMAT = Format(
    name="toy", summary="a toy", example='{"ask": "Hi", "say": "Hello"}', holds=frozenset(),
    keys=frozenset({"ask", "say"}),
    detect=lambda row: 50 if "ask" in row else 0,
    decode=lambda row: Example([Message("user", row["ask"]), Message("assistant", row["say"])]),
    encode=lambda example: {"ask": example.messages[0].text, "say": example.messages[-1].text},
)
'''
TOY_RULE = '''
"""A row that shouts."""
from dsforge.lint.rule import ExampleRule

def _check(example, report):
    for index, message in enumerate(example.messages):
        if message.text.isupper():
            report("shouting", index)

RULE = ExampleRule("Q999", "error", _check)
'''


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with a toy format and a toy rule dropped in."""
    folder = tmp_path_factory.mktemp("house")
    package = Path(dsforge.__file__).parent
    shutil.copytree(package, folder / "dsforge", ignore=shutil.ignore_patterns("__pycache__"))
    conf = package.parent / "conf"
    if conf.exists():
        shutil.copytree(conf, folder / "conf")
    (folder / "dsforge" / "formats" / "toy.py").write_text(TOY_FORMAT)
    (folder / "dsforge" / "lint" / "rules" / "quality" / "shouting.py").write_text(TOY_RULE)
    (folder / "toy.jsonl").write_text('{"ask": "Hi there", "say": "Hello"}\n{"ask": "WHERE IS IT", "say": "Here"}\n')
    return folder


def _run(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(house)}
    command = [sys.executable, "-m", "dsforge", *arguments]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)


def test_the_toy_format_is_listed_converted_and_counted(house: Path) -> None:
    assert "toy" in _run(house, "formats").stdout
    done = _run(house, "convert", "toy.jsonl", "--to", "chatml", "-o", "out.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["from"] == {"toy": 2}
    back = _run(house, "convert", "out.jsonl", "--to", "toy")
    assert json.loads(back.stdout.splitlines()[0]) == {"ask": "Hi there", "say": "Hello"}


@pytest.mark.parametrize(
    "command",
    [
        ["dedup", "toy.jsonl", "-o", "kept.jsonl"],
        ["split", "toy.jsonl", "-o", "parts"],
        ["cost", "toy.jsonl", "--tokenizer", "approximate"],
    ],
)
def test_the_toy_format_works_with_every_command(house: Path, command: list[str]) -> None:
    done = _run(house, *command, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_in"] == 2


def test_the_toy_rule_fires_is_explained_and_ignored(house: Path) -> None:
    done = _run(house, "lint", "toy.jsonl", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["findings"]
    assert [(item["code"], item["name"], item["row"]) for item in found] == [("Q999", "shouting", 2)]
    assert "A row that shouts." in _run(house, "rule", "Q999").stdout
    assert _run(house, "lint", "toy.jsonl", "--ignore", "shouting").returncode == 0


def _lint_files(folder: Path, files: dict[str, bytes], rule: Rule) -> list[str]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    settings = Settings().with_text(documentation(rule).options)
    paths = [folder / name for name in files]
    return [finding.code for finding in lint(paths, select=[rule.code], settings=settings).findings]


def _lint_bytes(folder: Path, content: bytes, rule: Rule) -> list[str]:
    return _lint_files(folder, {EXAMPLE_FILE: content}, rule)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_documentation_is_complete_and_true(rule: Rule, tmp_path: Path) -> None:
    said = documentation(rule)
    assert rule.code[0] in FAMILIES
    assert said.summary.endswith(".")
    assert len(said.why) > 40
    assert rule.code in _lint_files(tmp_path, said.bad, rule)
    assert _lint_files(tmp_path, said.good, rule) == []


CASE_FILES = sorted((CASES / "lint").glob("*.yaml"))


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda path: path.stem)
def test_cases(path: Path, tmp_path: Path) -> None:
    rule = next(rule for rule in RULES if rule.name.replace("-", "_") == path.stem)
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert cases["bad"]
    assert cases["good"]
    for content in cases["bad"]:
        assert rule.code in _lint_bytes(tmp_path, content.encode(), rule), content
    for content in cases["good"]:
        assert _lint_bytes(tmp_path, content.encode(), rule) == [], content


def test_every_code_a_decoder_raises_has_a_rule() -> None:
    package = Path(dsforge.__file__).parent / "formats"
    import re

    codes = {code for path in package.glob("*.py") for code in re.findall(r'"([JSTLBQPDX]\d{3})"', path.read_text())}
    writing_only = {"S901", "S902"}
    assert codes - writing_only <= set(all_rules())


def test_a_reject_has_the_code_of_the_finding() -> None:
    assert {kind: rule.code for rule in RULES if isinstance(rule, BytesRule) for kind in rule.kinds}.items() >= (
        CODES.items()
    )


@pytest.mark.parametrize("name", sorted(all_formats()))
def test_every_format_has_cases(name: str) -> None:
    assert (CASES / "formats" / f"{name}.yaml").is_file()
