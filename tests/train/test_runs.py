"""Runs found under folders, told apart and compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dsforge.errors import InputError, UsageError
from dsforge.train.evaluate import Evaluation
from dsforge.train.figures import Scores, metric
from dsforge.train.manifest import Git, Manifest, git_state, write_manifest
from dsforge.train.runs import arranged, differing, find_runs, measures, result
from dsforge.train.runs_page import write_runs_page
from tests.report.parsed import assert_inert

Run = tuple[Path, Manifest]


def _write(folder: Path, like: Manifest, name: str, loss: float, exact: float | None = None, **trl: Any) -> None:
    config = json.loads(json.dumps(like.config))
    config["trl"].update(trl)
    config["run"]["name"] = name
    scores = Scores.of_rows([1.0] * int(10 * (exact or 0)) + [0.0] * (10 - int(10 * (exact or 0))))
    evaluation = None if exact is None else Evaluation("rows.jsonl", 10, 10, [metric("exact match", scores, None)])
    record = msgspec.structs.replace(like, name=name, config=config, final_loss=loss, losses=[(1, 5.0), (2, loss)],
                                     validation_losses=[(2, loss + 1)], evaluation=evaluation)  # fmt: skip
    (folder / name).mkdir(parents=True)
    write_manifest(record, folder / name)


@pytest.fixture
def runs(tmp_path: Path, lora_run: Run) -> Path:
    """Four runs of a sweep, in two folders; one is damaged, one unfinished."""
    like = lora_run[1]
    _write(tmp_path / "runs", like, "a", 1.5, 0.2, learning_rate=1e-3)
    _write(tmp_path / "runs", like, "b", 0.5, 0.8, learning_rate=1e-2, neftune_noise_alpha=5)
    _write(tmp_path / "runs" / "deeper", like, "c", 1.0, learning_rate=1e-4)
    (tmp_path / "runs" / "a" / "checkpoint-3").mkdir()
    (tmp_path / "runs" / "a" / "checkpoint-3" / "run.json").write_text("{}")  # within a run, so none
    (tmp_path / "runs" / "d").mkdir()
    (tmp_path / "runs" / "d" / "run.json").write_text('{"name": "cut sho')
    (tmp_path / "runs" / "e.unfinished" / "checkpoint-12").mkdir(parents=True)
    (tmp_path / "runs" / "e.unfinished" / "checkpoint-8").mkdir()
    return tmp_path / "runs"


def test_what_is_there_is_found_and_the_rest_told(runs: Path) -> None:
    found = find_runs([str(runs)])
    assert [run.record.name for run in found.runs] == ["a", "b", "c"]
    assert [(each.folder.name, each.steps) for each in found.unfinished] == [("e.unfinished", 12)]
    (problem,) = found.damaged
    assert problem.startswith(str(runs / "d" / "run.json"))
    assert [run.record.name for run in find_runs([str(runs / "b")]).runs] == ["b"]


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run of dsforge train is there \(no run\.json\)"):
        find_runs([str(tmp_path)])
    with pytest.raises(InputError, match="is no folder"):
        find_runs([str(tmp_path / "nowhere")])


def test_only_settings_that_differ_among_runs_that_have_them_are_told(runs: Path) -> None:
    found = find_runs([str(runs)]).runs
    assert differing(found) == {"trl.learning_rate": [1e-3, 1e-2, 1e-4]}
    assert differing(found[:1]) == {}


def test_runs_are_arranged_by_results_the_best_first(runs: Path) -> None:
    found = find_runs([str(runs)]).runs

    def by(word: str) -> str:
        return "".join(run.record.name for run in arranged(found, word))

    assert (by("loss"), by("exact match"), by("trl.learning_rate"), by("name")) == ("bca", "bac", "cab", "abc")
    assert measures(found) == ["exact match"]
    assert result(found[0], "exact match") == pytest.approx(0.2)
    assert result(found[2], "exact match") is None
    with pytest.raises(UsageError, match=r"did you mean 'trl\.learning_rate'"):
        by("learning_rate")


def test_the_page_has_a_line_for_each_run_over_settings_and_results(runs: Path, tmp_path: Path) -> None:
    found = find_runs([str(runs)])
    write_runs_page(tmp_path / "page.html", found, ["name", "=loss"], [[run.record.name, "1"] for run in found.runs])
    page = (tmp_path / "page.html").read_text()
    assert_inert(page)
    assert page.count('class="run rank-') == 4  # that of c has a gap, where it was not measured
    assert 'class="run rank-0"' in page  # the best by validation loss
    assert "b: trl.learning_rate 0.01, loss 0.5, exact match 0.8, validation loss 1.5" in page
    assert "e.unfinished: not finished, at step 12" in page


def test_listing_runs_imports_no_torch(runs: Path) -> None:
    code = (
        "import sys; from dsforge.train.runs import find_runs; import dsforge.train.runs_page, dsforge.cli.runs\n"
        f"assert len(find_runs([{str(runs)!r}]).runs) == 3\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'datasets', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_commit_is_that_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() is None
    git("init")
    assert git_state() is None  # no commit yet
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "first")
    commit = git("rev-parse", "HEAD").strip()
    (tmp_path / "untracked").write_text("x")
    assert git_state() == Git(commit, dirty=False)
    (tmp_path / "a").write_text("2")
    assert git_state() == Git(commit, dirty=True)
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_state() is None


def test_rejected_rows_are_counted_by_reason(lora_run: Run) -> None:
    refusals = lora_run[1].data.refusals
    assert sum(refusal.rows for refusal in refusals) == lora_run[1].data.rows_rejected == 4
    assert [refusal.rows for refusal in refusals] == sorted((refusal.rows for refusal in refusals), reverse=True)
    assert all(refusal.reason for refusal in refusals)
