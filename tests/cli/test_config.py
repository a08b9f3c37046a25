"""Defaults from TOML: what is written there holds, and what cannot hold is said with the file, the key and the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import assert_one_line_error, dsforge

EMPTY = '{"instruction": "Say hello", "output": ""}\n'


def _lint(folder: Path, toml: str, *options: str, name: str = "dsforge.toml") -> Any:
    (folder / "rows.jsonl").write_text(EMPTY)
    (folder / name).write_text(toml)
    return dsforge("lint", "rows.jsonl", *options, folder=folder)


WRONG = {
    '[lint]\nselct = ["S"]': ["[lint] has no option 'selct'", "did you mean 'select'"],
    '[lint]\ninputs = ["rows.jsonl"]': ["no option 'inputs'", "select"],
    "[lint]\nzzz = 1": ["no option 'zzz'", "fail-on"],
    '[lint]\nfail-on = "warn"': ["fail-on must be one of error, warning, info, never, not 'warn'", "mean 'warning'"],
    "[lint]\nfail-on = 1": ["fail-on must be one of", "not 1"],
    '[lint]\nworkers = "two"': ["workers must be a whole number from 1 on, not 'two'"],
    "[lint]\nworkers = 0": ["workers must be a whole number from 1 on, not 0"],
    "[lint]\nshow = true": ["show must be a whole number", "not true"],
    '[lint]\nfix = "yes"': ["fix must be true or false, not 'yes'"],
    "[lint]\nselect = [1]": ["select must be a list of texts, not [1]"],
    '[lint]\nper-file-ignores = {"raw/*" = 1}': ["per-file-ignores must be a list of texts"],
    '[lint]\nby = ["a"]': ["by must be a text"],
    '[linter]\nselect = ["S"]': ["no command for [linter]", "did you mean 'lint'"],
    'select = ["S"]': ["select belongs to no command", "[lint]"],
    "lint = 1": ["lint must be a table"],
}


@pytest.mark.parametrize("toml", WRONG)
def test_what_a_file_says_wrongly_is_one_line(tmp_path: Path, toml: str) -> None:
    assert_one_line_error(_lint(tmp_path, toml), "dsforge.toml", *WRONG[toml])


def test_pyproject_is_told_by_its_own_names(tmp_path: Path) -> None:
    done = _lint(tmp_path, '[tool.dsforge.lint]\nselct = ["S"]', name="pyproject.toml")
    assert_one_line_error(done, "pyproject.toml", "[tool.dsforge.lint]", "'selct'")
    done = _lint(tmp_path, "[tool.dsforge.lnit]\n", name="pyproject.toml")
    assert_one_line_error(done, "no command for [tool.dsforge.lnit]", "did you mean 'lint'")
    done = _lint(tmp_path, "[tool]\ndsforge = 1\n", name="pyproject.toml")
    assert_one_line_error(done, "tool.dsforge must be a table")
    assert _lint(tmp_path, "[tool.other]\nselct = 1", name="pyproject.toml").returncode == 1


def test_another_file_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[lint]\nfail-on = 3\n")
    (tmp_path / "rows.jsonl").write_text(EMPTY)
    assert_one_line_error(dsforge("--config", "mine.toml", "lint", "rows.jsonl", folder=tmp_path), "mine.toml")


def test_options_of_other_commands_do_not_stop_this_one(tmp_path: Path) -> None:
    done = _lint(tmp_path, '[lint]\nignore = ["S104"]\n[dedup]\nnope = 1\n')
    assert done.returncode == 0
    assert_one_line_error(dsforge("dedup", "rows.jsonl", folder=tmp_path), "[dedup] has no option 'nope'")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('format = "sharegpt"', "S106"),  # --format is not its name in Python
        ('select = "S104"', "S104"),
        ('select = ["Q"]', "All checks passed"),
        ('max_tokens = 1\ntokenizer = "approximate"', "L301"),
        ('per-file-ignores = {"rows*" = "S"}', "All checks passed"),
        ('per-file-ignores = ["rows*:S"]', "All checks passed"),
        ("json = true", '"command":"lint"'),
    ],
)
def test_what_a_file_says_holds(tmp_path: Path, toml: str, said: str) -> None:
    assert said in _lint(tmp_path, f"[lint]\n{toml}\n").stdout


def test_a_file_in_a_folder_above_is_not_read_and_said_so(tmp_path: Path) -> None:
    folder = tmp_path / "repository" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "dsforge.toml").write_text('[lint]\nignore = ["S104"]\n')
    (folder / "rows.jsonl").write_text(EMPTY)
    assert dsforge("lint", "rows.jsonl", folder=folder).stderr == ""  # in no repository
    (folder.parent / ".git").mkdir()
    assert dsforge("lint", "rows.jsonl", folder=folder).stderr == ""  # outside of it
    (folder.parent / "pyproject.toml").write_text("[tool.other]\n")
    assert dsforge("lint", "rows.jsonl", folder=folder).stderr == ""
    (folder.parent / "pyproject.toml").write_text('[tool.dsforge.lint]\nignore = ["S104"]\n')
    done = dsforge("lint", "rows.jsonl", folder=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("dsforge: ../pyproject.toml is not read here")
    done = dsforge("--config", "../pyproject.toml", "lint", "rows.jsonl", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "dsforge.toml").write_text('[lint]\nignore = ["S104"]\n')
    assert dsforge("lint", "rows.jsonl", folder=folder).stderr == ""


def test_the_command_line_wins(tmp_path: Path) -> None:
    toml = '[lint]\nselect = ["Q"]\nfail-on = "never"\n'
    assert _lint(tmp_path, toml, "--select", "S", "--fail-on", "error").returncode == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["lint", "x", "--fail-on", "warn"],
            "--fail-on must be one of error, warning, info, never, not 'warn'; did you",
        ),
        (["lint", "x", "--workers", "a"], "--workers must be a whole number from 1 on, not 'a'"),
        (["lint", "x", "--workers=0"], "--workers must be a whole number from 1 on, not '0'"),
        (["cost", "x", "--method", "lra"], "--method must be one of lora, qlora, full, not 'lra'; did you mean 'lora'"),
        (["dedup", "x", "--threshold", "high"], "--threshold must be a number, not 'high'"),
        (["lint"], "INPUT"),
    ],
)
def test_what_a_command_line_says_wrongly_is_one_plain_line(options: list[str], said: str) -> None:
    done = dsforge(*options)
    assert_one_line_error(done, said)
    assert "Input should" not in done.stderr
    assert "Value error" not in done.stderr
