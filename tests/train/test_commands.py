"""`dsforge runs`, `chat`, `evaluate` and `merge` from the outside, over runs that are there already."""

from __future__ import annotations

import json
import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dsforge.train.manifest import Manifest
from tests.augment.faulty_server import Reply, serving
from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.train.small import lamp_rows, write_rows

Run = tuple[Path, Manifest]


@pytest.fixture
def folder(lora_run: Run, full_run: Run, tmp_path: Path) -> Path:
    """A folder as a user has it, with two runs in it."""
    for (run, _), name in ((lora_run, "light"), (full_run, "full")):
        shutil.copytree(run, tmp_path / "runs" / name)
    return tmp_path


def inside(folder: Path, command: str, *words: str) -> dict[str, Any]:
    """The JSON object of a command that is run in this process, where torch is loaded already."""
    app = import_module(f"dsforge.cli.{command}").app
    here = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(app, words, catch_exceptions=False)
    finally:
        os.chdir(here)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_runs_are_listed_compared_and_drawn(folder: Path) -> None:
    (folder / "runs" / "bad").mkdir()
    (folder / "runs" / "bad" / "run.json").write_text("{")
    (folder / "runs" / "later.unfinished").mkdir()
    done = dsforge("runs", "--sort", "loss", "--report", "page.html", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "all runs: model tiny, method sft" in done.stdout
    lines = done.stdout.splitlines()
    assert next(line for line in lines if "0.0" in line).split()[1] == "full"  # the lower loss comes first
    assert "not finished: runs/later.unfinished (it has no checkpoint yet" in done.stdout
    assert "runs/bad/run.json cannot be read" in done.stderr
    assert "Settings and results" in (folder / "page.html").read_text()
    told = as_json(dsforge("runs", "--json", folder=folder))
    assert (told["rows_in"], told["rows_out"], told["rows_rejected"]) == (4, 2, 1)
    assert {run["peft"] for run in told["runs"]} == {"lora", "full"}
    assert [len(run["metrics"]) for run in told["runs"] if run["peft"] == "lora"] == [4]
    assert_one_line_error(dsforge("runs", "--sort", "los", folder=folder), "did you mean 'loss'")
    assert_one_line_error(dsforge("runs", folder=folder / "runs" / "later.unfinished"), "runs is no folder")


def test_a_run_is_talked_to(folder: Path) -> None:
    asked = "Lamp 3: in stock?\n/what\n/reset\nLamp 4: in stock?\n/exit\nnever asked"
    done = dsforge("chat", "runs/full", stdin=asked, folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Yes, it is in stock.\n" * 2
    assert "no command /what" in done.stderr
    assert "Warning" not in done.stderr
    assert_one_line_error(dsforge("chat", "runs", folder=folder), "holds no adapter and no model")


def test_one_question_to_both_models(folder: Path) -> None:
    words = ["runs/light", "--compare-base", "--prompt", "Lamp?", "--max-tokens", "9", "--json"]
    told = inside(folder, "chat", *words)
    assert list(told["messages"]) == ["base", "trained"]
    assert told["messages"]["base"][0] == {"role": "user", "content": "Lamp?"}


def test_what_a_model_says_cannot_drive_the_terminal() -> None:
    from dsforge.cli.chat import visible

    assert visible("a\x1b[31mb\x07c\nd\x9b1m") == "a\\x1b[31mb\\x07c\nd\\x9b1m"


def test_a_run_is_measured_on_other_rows(folder: Path) -> None:
    write_rows(folder / "rows.jsonl", lamp_rows(12), [b"{bad"])
    told = inside(folder, "evaluate", "runs/full", "rows.jsonl", "-o", "answers.jsonl", "--json")
    assert (told["rows_in"], told["rows_out"], told["rows_rejected"]) == (13, 12, 1)
    found = {metric["name"]: metric for metric in told["evaluation"]["metrics"]}
    assert found["exact match"]["trained"]["value"] == 1
    assert found["exact match"]["base"]["value"] == 0
    assert len((folder / "answers.jsonl").read_text().splitlines()) == 12
    assert_one_line_error(dsforge("evaluate", "runs/full", folder=folder), "nothing to measure")


def test_a_run_is_judged_and_the_list_of_runs_says_so(folder: Path) -> None:
    def better(prompt: str, times: int) -> Reply:
        """Of two answers the one that is in words."""
        first = prompt.split("<A>\n")[1].split("\n</A>")[0]
        return Reply(json.dumps({"reason": "so", "better": "A" if "stock" in first else "B"}))

    with serving(better) as server:
        judge = ("--judge", "big", "--base-url", server.url)
        done = dsforge("evaluate", "runs/light", *judge, folder=folder, OPENAI_API_KEY="none")
    assert done.returncode == 0, done.stderr
    assert "judged by big: " in done.stdout
    (run,) = as_json(dsforge("runs", "runs/light", "--json", folder=folder))["runs"]
    assert run["metrics"][-1]["name"] == "win rate (big)"


def test_an_adapter_is_merged_after_the_fact(folder: Path) -> None:
    assert inside(folder, "merge", "runs/light", "--json")["merged"] == "runs/light/merged"
    assert (folder / "runs" / "light" / "merged" / "model.safetensors").is_file()
    assert_one_line_error(dsforge("merge", "runs/light", folder=folder), "exists")
    assert_one_line_error(dsforge("merge", "runs/full", folder=folder), "nothing to merge")
