"""An adapter merged into its base says the same as the two together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsforge.errors import OutputError
from dsforge.train.after import come_after
from dsforge.train.config import TrainConfig
from dsforge.train.manifest import Manifest
from dsforge.train.merge import merge_into
from dsforge.train.saved import find_saved, load_saved
from dsforge.train.token_rows import TokenRows

Run = tuple[Path, Manifest]


def _logits(folder: Path) -> object:
    import torch

    model, tokenizer = load_saved(find_saved(str(folder)))
    with torch.no_grad():
        return model(**tokenizer("Lamp 3: in stock?", return_tensors="pt").to(model.device)).logits


def test_the_merged_model_gives_the_logits_of_adapter_and_base(lora_run: Run, tmp_path: Path) -> None:
    import torch

    folder, _ = lora_run
    merged = tmp_path / "merged"
    merge_into(find_saved(str(folder), merged=False), merged)
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        path.name for path in merged.iterdir()
    }
    assert not (merged / "adapter_config.json").exists()
    assert torch.allclose(_logits(merged), _logits(folder / "adapter"), atol=1e-5)
    assert not torch.allclose(_logits(merged), _logits(folder / "base"), atol=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def _asked_to_merge(manifest: Manifest) -> TrainConfig:
    config = TrainConfig.model_validate(manifest.config)
    run = config.run.model_copy(update={"samples": 0})
    return config.model_copy(
        update={"merge": True, "run": run, "evaluate": config.evaluate.model_copy(update={"rows": 0})}
    )


def test_a_full_run_has_nothing_to_merge_and_says_so(full_run: Run, tmp_path: Path) -> None:
    folder, manifest = full_run
    found = come_after(_asked_to_merge(manifest), find_saved(str(folder)), tmp_path, TokenRows(), None, "rows.jsonl")
    assert found.merged is None
    assert found.notes == ["merge=true: every weight was trained, so there is nothing to merge"]
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_merged_is_told_and_costs_no_run(lora_run: Run, tmp_path: Path) -> None:
    folder, manifest = lora_run
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for name in ("adapter_config.json", "tokenizer.json", "tokenizer_config.json"):
        (adapter / name).write_bytes((folder / "adapter" / name).read_bytes())
    (adapter / "adapter_model.safetensors").write_bytes(b"cut short")
    saved = find_saved(str(adapter))
    found = come_after(_asked_to_merge(manifest), saved, tmp_path, TokenRows(), None, "rows.jsonl")
    assert found.merged is None
    assert len(found.notes) == 1
    assert found.notes[0].startswith("not merged: ")
    (tmp_path / "there").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        merge_into(find_saved(str(folder / "adapter")), tmp_path / "there" / "inside")


def test_the_base_of_a_tiny_run_is_found_after_the_run_was_moved(lora_run: Run, tmp_path: Path) -> None:
    import shutil

    import torch

    moved = tmp_path / "moved"
    shutil.copytree(lora_run[0], moved)
    config = json.loads((moved / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(lora_run[0] / "base")
    assert find_saved(str(moved)).base is not None
    assert find_saved(str(moved)).base.path == str(moved / "base")  # type: ignore[union-attr]
    assert torch.equal(_logits(moved), _logits(lora_run[0]))
