"""Training on whole files as they come: the examples, and public datasets where they are present."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.cli.run import as_json, dsforge
from tests.shared_data import SHARED

_EXAMPLES = Path(__file__).parents[2] / "examples" / "support"
_EXAMPLE = _EXAMPLES / "support.chatml.jsonl"
_FILES = [_EXAMPLE, SHARED / "real" / "identity.json", SHARED / "real" / "alpaca_zh_demo.json"]


@pytest.mark.parametrize("data", _FILES, ids=lambda path: path.name)
def test_a_file_becomes_an_adapter(data: Path, tmp_path: Path) -> None:
    if not data.exists():
        pytest.skip("not here")
    done = dsforge("train", "model=tiny", f"data.path={data}", "data.limit=80", f"run.folder={tmp_path}", "run.name=a",
                   "run.max_steps=6", "preflight=warn", "--json")  # fmt: skip
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


@pytest.mark.parametrize("method", ["dpo", "kto", "orpo", "reward"])
def test_pairs_become_an_adapter(method: str, tmp_path: Path) -> None:
    done = dsforge("train", "model=tiny", f"data.path={_EXAMPLES / 'pairs.jsonl'}", f"method={method}",
                   f"run.folder={tmp_path}", "run.name=a", "run.max_steps=6", "preflight=warn", "--json")  # fmt: skip
    assert done.returncode == 1, done.stderr  # two rows have nothing to prefer
    result = as_json(done)
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (63, 61, 2)
    assert result["final_loss"] < result["first_loss"]
    assert ("reward_margin" in result, "Warning" in done.stderr) == (True, False)
    assert "row 1, rejected, as the trainer sees it" in done.stderr
    assert (Path(result["saved"]) / "adapter_model.safetensors").stat().st_size > 100_000


def test_the_reference_of_full_training_is_told(tmp_path: Path) -> None:
    words = ["train", "model=tiny", f"data.path={_EXAMPLES / 'pairs.jsonl'}", "run.name=a", "peft=full", "--check",
             "preflight=warn"]  # fmt: skip
    told = "second copy of the model"
    assert told in dsforge(*words, "method=dpo", folder=tmp_path).stdout
    assert told not in dsforge(*words, "method=dpo", "trl.precompute_ref_log_probs=true", folder=tmp_path).stdout
    assert told not in dsforge(*words, "method=orpo", folder=tmp_path).stdout
