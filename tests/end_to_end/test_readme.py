"""The README's commands print what it shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*?)(?=\$ |```)", re.M)
MACHINE_DEPENDENT = ("cost", "train")  # which tokenizer can be had, how long a step takes


def _run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "dsforge"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout + done.stderr


def test_the_tour_prints_what_it_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder, shown = tmp_path, 0
    for command, lines in STEPS.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        if command.startswith("cd "):
            folder = folder / command[3:]
            continue
        if command.split()[1] in MACHINE_DEPENDENT:
            continue
        printed = _run(command, folder)
        for line in lines.splitlines():
            if line != "...":
                assert line in printed, f"{command} does not print: {line}"
                shown += 1
    assert shown > 15


def test_every_command_is_in_the_table() -> None:
    from dsforge.cli.main import COMMANDS

    table = re.findall(r"^\| `dsforge (\w+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(table) == sorted(COMMANDS)
