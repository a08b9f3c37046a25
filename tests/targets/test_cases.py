"""What each platform takes and refuses, case by case: tests/cases/targets/NAME.yaml, run through the whole of lint.

An accepted case gives no error with `--target NAME`; other findings may be there. A rejected one gives an error of the
code at the pointer, and errors of other codes only where `also` names them. A case is a `row`, several `rows`, the text
of a `file`, or `turns: [number, turn]`, a row of so many turns; `repeat` writes a row so many times. `model` is the
model that is trained, `max_tokens` the limit that the user sets. Rule X802 (too few rows) is left out for cases of a
single row, which are about that row, and where `few` says so; it counts wherever a case says how many rows there are.

The cases of trainers also say by `effect` what `dsforge lint --dry-run` makes of the rows, `kept` where an accepted one
says nothing; an accepted case with a `code` gives that finding at its pointer, no matter how severe. `judged: false`
marks what the trainer's own converter cannot show, `shows` what it makes of the rows (tests/peers/test_dry_run.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dsforge.finding import Finding
from dsforge.lint.dry_run import EFFECTS, dry_run
from dsforge.lint.run import LintResult
from dsforge.targets.load import load_target
from tests.targets.cases import Case, linted

FOLDER = Path(__file__).parents[1] / "cases" / "targets"
HOSTED = ("azure", "bailian", "bedrock", "fireworks", "mistral", "openai", "qianfan", "together", "vertex", "zhipu")
TRAINERS = ("axolotl", "llamafactory", "ms-swift", "nemo", "torchtune", "trl", "unsloth")


def _cases(verdict: str) -> list[Any]:
    return [
        pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
        for path in sorted(FOLDER.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))[verdict]
    ]


def _errors(result: LintResult) -> list[Finding]:
    return [found for found in result.findings if found.severity == "error"]


def effect_on_rows(target: str, case: Case, result: LintResult) -> str:
    """The worst that comes of the rows of a case."""
    outcomes = dry_run(result, load_target(target)).outcomes
    return max((outcome.effect for outcome in outcomes), key=list(EFFECTS).index, default="kept")


@pytest.mark.parametrize(("target", "case"), _cases("accepted"))
def test_accepted(target: str, case: Case, tmp_path: Path) -> None:
    result = linted(target, case, tmp_path)
    assert _errors(result) == []
    if "code" in case:
        assert (case["code"], case["pointer"]) in {(found.code, found.pointer) for found in result.findings}
    if target in TRAINERS:
        assert effect_on_rows(target, case, result) == case.get("effect", "kept")


@pytest.mark.parametrize(("target", "case"), _cases("rejected"))
def test_rejected(target: str, case: Case, tmp_path: Path) -> None:
    result = linted(target, case, tmp_path)
    errors = _errors(result)
    assert (case["code"], case["pointer"]) in {(found.code, found.pointer) for found in errors}
    assert {found.code for found in errors} == {case["code"], *case.get("also", ())}
    told = next(found for found in errors if found.code == case["code"])
    assert told.message
    assert told.help or told.code[0] in "ST"  # what a decoder says ends with the mend
    if target in TRAINERS:
        assert effect_on_rows(target, case, result) == case["effect"]


@pytest.mark.parametrize("name", HOSTED + TRAINERS)
def test_every_target_has_cases(name: str) -> None:
    cases = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert len(cases["accepted"]) >= 10
    assert len(cases["rejected"]) >= 15
    names = [case["name"] for verdict in ("accepted", "rejected") for case in cases[verdict]]
    assert len(names) == len(set(names))
