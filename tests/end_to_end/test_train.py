"""Training on whole files as they come: the examples, and public datasets where they are present."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.cli.run import as_json, dsforge
from tests.shared_data import SHARED

_EXAMPLE = Path(__file__).parents[2] / "examples" / "support" / "support.chatml.jsonl"
_FILES = [_EXAMPLE, SHARED / "real" / "identity.json", SHARED / "real" / "alpaca_zh_demo.json"]


@pytest.mark.parametrize("data", _FILES, ids=lambda path: path.name)
def test_a_file_becomes_an_adapter(data: Path, tmp_path: Path) -> None:
    if not data.exists():
        pytest.skip("not here")
    done = dsforge("train", "model=tiny", f"data.path={data}", "data.limit=80", f"run.folder={tmp_path}", "run.name=a",
                   "run.max_steps=6", "--json")  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    result = as_json(done)
    assert result["rows_in"] == result["rows_out"] + result["rows_rejected"]
    assert result["final_loss"] < result["first_loss"]
    saved = Path(result["saved"])
    assert (saved / "adapter_model.safetensors").stat().st_size > 100_000
    rejects = tmp_path / "a" / "rejects.jsonl"
    entries = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
    assert len(entries) == result["rows_rejected"]
    source = data.read_bytes()
    for entry in entries:
        raw = entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])
        assert raw in source
