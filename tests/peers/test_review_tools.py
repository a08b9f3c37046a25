"""Label Studio's and Argilla's own code take what dsforge review sends out."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from dsforge.review.review import Review
from dsforge.review.tool import get_tool
from tests.peers.judge import JUDGES, ROOT
from tests.review.test_tools import ROWS, check

PEERS = Path(os.environ.get("DSFORGE_REVIEW_PEERS", ROOT / ".venv-review-peers"))
PYTHON = PEERS / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="the tools are not installed: sh benchmarks/review_peers.sh (or DSFORGE_REVIEW_PEERS)"
)


def ask(peer: str, home: Path, *arguments: Path) -> list[Any]:
    done = subprocess.run(
        [str(PYTHON), str(JUDGES / f"ask_{peer}.py"), *map(str, arguments)], capture_output=True, text=True,
        check=False, cwd=home, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture
def review(tmp_path: Path) -> Any:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in ROWS))
    with Review(path, check=check) as made:
        yield made


def _result(name: str, kind: str, value: Any, to: str = "conversation") -> Any:
    return {"id": name, "from_name": name, "to_name": to, "type": kind, "value": value}


def test_label_studio_takes_tasks_predictions_and_annotations(review: Review, tmp_path: Path) -> None:
    out = tmp_path / "out"
    get_tool("label-studio").write(review, out)
    chat = [
        _result("verdict", "choices", {"choices": ["reject"]}),
        _result("reason", "textarea", {"text": ["refuses"]}),
        _result("answer", "textarea", {"text": ["4."]}),
        _result("category", "textarea", {"text": ["sums"]}),
    ]
    pair = [_result("better", "pairwise", {"selected": "left"}, "first"),
            _result("verdict", "choices", {"choices": ["both bad"]})]  # fmt: skip
    for kind, results in (("chat", chat), ("pairs", pair)):
        tasks = json.loads((out / f"{kind}.json").read_text())
        (tmp_path / "annotations.json").write_text(json.dumps([{"result": results}] * len(tasks)))
        said = ask("label_studio", tmp_path, out / f"{kind}.xml", out / f"{kind}.json", tmp_path / "annotations.json")
        assert said == [{"task": True, "predictions": True, "annotation": True}] * len(tasks)
        (tmp_path / "annotations.json").write_text(
            json.dumps([{"result": [_result("verdict", "choices", {"choices": ["perhaps"]})]}] * len(tasks))
        )
        said = ask("label_studio", tmp_path, out / f"{kind}.xml", out / f"{kind}.json", tmp_path / "annotations.json")
        assert not any(each["annotation"] for each in said)


def test_argilla_reads_the_folder(review: Review, tmp_path: Path) -> None:
    out = tmp_path / "out"
    get_tool("argilla").write(review, out)
    settings, *records = ask("argilla", tmp_path, out)
    assert settings["name"] == "rows"
    assert settings["fields"] == ["conversation", "first", "second"]
    written = json.loads((out / "records.json").read_text())
    for before, after in zip(written, records, strict=True):
        assert {**after, "_server_id": None, "status": "pending"} == before
        assert set(before["suggestions"]) <= set(settings["questions"])
