"""The command line's contract: it starts fast, fails in one line, and keeps standard output clean."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dsforge.cli.main import COMMANDS
from tests.cli.run import as_json, assert_one_line_error, dsforge

HEAVY = {
    "polars", "numba", "numpy", "openai", "hydra", "torch", "transformers", "trl", "pydantic", "tiktoken",
    "matplotlib", "rich", "yaml", "datasets", "orjson", "dsforge.formats.format",
}  # fmt: skip
TYPERS = {"pydantic"}  # what typer itself loads to parse the options of a command
ROWS = '{"instruction": "Say hello", "output": "Hello"}\n{"instruction": "Say bye", "output": "Bye"}\n'


def _modules_after(*arguments: str) -> set[str]:
    script = (
        "import sys\nfrom dsforge.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as error:\n    assert error.code in (0, None), error.code\n"
        "print('MODULES', *sys.modules)"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = _modules_after(*arguments)
    assert "dsforge.cli.main" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    assert not _modules_after(command, "--help") & (HEAVY - TYPERS - {"orjson"})


def test_a_small_lint_loads_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(ROWS)
    assert not _modules_after("lint", str(path)) & (HEAVY - TYPERS - {"orjson", "dsforge.formats.format"})


def test_help_lists_every_command() -> None:
    shown = dsforge("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in shown


def test_without_a_command_help_is_shown() -> None:
    done = dsforge()
    assert done.returncode == 2
    assert "Commands:" in done.stdout


def test_unknown_command_suggests_one() -> None:
    assert_one_line_error(dsforge("convrt"), "'convrt'", "did you mean 'convert'")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "folder").mkdir()
    (folder / "binary.jsonl").write_bytes(bytes(range(256)) * 4)
    (folder / "utf16.jsonl").write_bytes(ROWS.encode("utf-16-le"))
    (folder / "rows.jsonl").write_text(ROWS)
    return folder


COMMAND_LINES = {
    "convert": ["--to", "chatml", "-o", "out.jsonl"],
    "lint": [],
    "dedup": ["-o", "out.jsonl"],
    "split": ["-o", "parts"],
    "cost": ["--tokenizer", "approximate"],
}
BAD_INPUTS = {
    "none.jsonl": "does not exist",
    "empty.jsonl": "empty",
    "folder": "directory",
    "binary.jsonl": "binary",
    "utf16.jsonl": "UTF-16",
}


@pytest.mark.parametrize("name", BAD_INPUTS)
@pytest.mark.parametrize("command", COMMAND_LINES)
def test_bad_input_is_one_line_and_exit_code_2(bad: Path, command: str, name: str) -> None:
    done = dsforge(command, name, *COMMAND_LINES[command], folder=bad)
    assert_one_line_error(done, name, BAD_INPUTS[name])
    assert done.stdout == ""
    assert not (bad / "out.jsonl").exists()


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_unknown_format_is_one_line(bad: Path, command: str) -> None:
    done = dsforge(command, "rows.jsonl", "--format", "alpacca", *COMMAND_LINES[command], folder=bad)
    assert_one_line_error(done, "'alpacca'", "did you mean 'alpaca'")


@pytest.mark.parametrize("command", ["convert", "dedup"])
@pytest.mark.parametrize(("output", "said"), [("no/such/out.jsonl", "does not exist"), ("folder", "directory")])
def test_unwritable_output_is_one_line(bad: Path, command: str, output: str, said: str) -> None:
    options = ["--to", "chatml"] if command == "convert" else []
    assert_one_line_error(dsforge(command, "rows.jsonl", *options, "-o", output, folder=bad), said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(bad: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dsforge", "convert", "rows.jsonl", "--to", "chatml"],
            cwd=bad, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_json_is_one_object(bad: Path, command: str) -> None:
    result = as_json(dsforge(command, "rows.jsonl", *COMMAND_LINES[command], "--json", folder=bad))
    assert result["command"] == command
    assert result["rows_in"] == result["rows_out"] == 2
    assert result["rows_rejected"] == 0
    for path in bad.glob("out*"):
        path.unlink()


@pytest.mark.parametrize("command", ["convert", "lint", "dedup", "cost"])
def test_ctrl_c_is_one_line_and_leaves_no_half_output(bad: Path, command: str) -> None:
    """Standard input is kept open, so that the command is at work when it is interrupted."""
    run = subprocess.Popen(
        [sys.executable, "-m", "dsforge", command, "-", *COMMAND_LINES[command]],
        cwd=bad, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdin is not None
    run.stdin.write(ROWS)
    run.stdin.flush()
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    done = run.wait(timeout=20)
    assert run.stderr is not None
    errors = run.stderr.read().strip().splitlines()
    run.stdin.close()
    assert done == 130
    assert errors == ["dsforge: interrupted; no output was left half written"]
    assert not (bad / "out.jsonl").exists()


def test_unknown_option_is_one_line(bad: Path) -> None:
    assert_one_line_error(dsforge("lint", "rows.jsonl", "--selct", "T", folder=bad), "--selct")


def test_convert_through_a_pipe(bad: Path) -> None:
    done = dsforge("convert", "-", "--to", "chatml", stdin=ROWS)
    assert done.returncode == 0
    assert done.stdout.count('"role":"assistant"') == 2
    assert "2 rows in, 2 out" in done.stderr


def test_the_source_is_never_overwritten(bad: Path) -> None:
    done = dsforge("convert", "rows.jsonl", "--to", "chatml", "-o", "rows.jsonl", folder=bad)
    assert_one_line_error(done, "also an input")
    assert (bad / "rows.jsonl").read_text() == ROWS


def test_defaults_from_toml(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"instruction": "Say hello", "output": ""}\n')
    (tmp_path / "dsforge.toml").write_text('[lint]\nignore = ["S104"]\n')
    assert dsforge("lint", "rows.jsonl", folder=tmp_path).returncode == 0
    assert dsforge("lint", "rows.jsonl", "--ignore", "Q501", folder=tmp_path).returncode == 1
    (tmp_path / "pyproject.toml").write_text('[tool.dsforge.lint]\nfail-on = "never"\n')
    assert dsforge("lint", "rows.jsonl", folder=tmp_path).returncode == 0
    (tmp_path / "pyproject.toml").write_text("[tool.dsforge\n")
    assert_one_line_error(dsforge("lint", "rows.jsonl", folder=tmp_path), "pyproject.toml", "TOML")


def test_control_characters_of_rows_do_not_reach_the_terminal(tmp_path: Path) -> None:
    row = '{"messages": [{"role": "\\u001b[2Jx", "content": "a"}]}\n'
    (tmp_path / "rows.jsonl").write_text(row)
    assert "\x1b" not in dsforge("lint", "rows.jsonl", folder=tmp_path).stdout
