"""Runs of seconds: they learn, repeat, record and can be loaded again; a failed one leaves nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from dsforge.errors import ConfigError, OutputError
from dsforge.train.job import check_fit
from dsforge.train.manifest import Manifest
from dsforge.train.run import prepared
from dsforge.train.token_rows import TokenRows
from tests.train.small import BAD_LINES, config, lamp_rows, run, write_rows

Run = tuple[Path, Manifest]


def _logits(model: object, tokenizer: object) -> object:
    import torch

    with torch.no_grad():
        return model.eval()(**tokenizer("Lamp 3: in stock?", return_tensors="pt")).logits  # type: ignore[operator,attr-defined]


@pytest.mark.parametrize("which", ["lora_run", "full_run"])
def test_the_loss_falls(which: str, request: pytest.FixtureRequest) -> None:
    _, manifest = request.getfixturevalue(which)
    assert len(manifest.losses) == 12
    assert manifest.losses[-1][1] < 0.9 * manifest.losses[0][1]


def test_the_adapter_loads_and_speaks_differently(lora_run: Run) -> None:
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, manifest = lora_run
    assert manifest.saved == str(folder / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(folder / "adapter")
    base = _logits(AutoModelForCausalLM.from_pretrained(folder / "base"), tokenizer)
    adapted = AutoPeftModelForCausalLM.from_pretrained(folder / "adapter")
    assert not torch.allclose(base, _logits(adapted, tokenizer), atol=1e-3)
    merged = adapted.merge_and_unload()
    assert torch.allclose(_logits(adapted, tokenizer), _logits(merged, tokenizer), atol=1e-4)
    assert tokenizer.eos_token == "<|im_end|>"
    assert "generation" in tokenizer.chat_template


def test_the_full_model_loads_and_says_what_it_learnt(full_run: Run) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, manifest = full_run
    assert manifest.parameters_trained == manifest.parameters
    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    chat = [{"role": "user", "content": "Lamp 3: in stock?"}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    words = model.generate(**prompt, max_new_tokens=40, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert words[-1] == tokenizer.eos_token_id  # the end of the turn was trained
    assert tokenizer.decode(words, skip_special_tokens=True) == "Yes, it is in stock."


def test_what_is_left(lora_run: Run) -> None:
    folder, _ = lora_run
    assert {path.name for path in folder.iterdir()} == {
        "Modelfile", "adapter", "answers.jsonl", "base", "config.json", "loss.png", "rejects.jsonl", "report.html",
        "run.json",
    }  # fmt: skip
    assert {path.name for path in folder.parent.iterdir()} == {"small", "rows.jsonl", "validation.jsonl"}
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    rejects = [json.loads(line) for line in (folder / "rejects.jsonl").read_text().splitlines()]
    assert [reject["raw"].encode() for reject in rejects] == BAD_LINES
    told = {".json", ".md", ".html", ".jsonl", ""}
    named = [path for path in folder.rglob("*") if path.is_file() and path.suffix in told]
    assert not [path for path in named if ".unfinished" in path.read_text()]  # where it was made


def test_the_manifest_is_complete_and_true(lora_run: Run) -> None:
    from peft import AutoPeftModelForCausalLM
    from trl import __version__ as trl_version

    folder, _ = lora_run
    written = json.loads((folder / "run.json").read_text())
    assert set(written) == set(Manifest.__struct_fields__)
    data, validation = written["data"], written["validation"]
    rows = Path(data["path"]).read_bytes()
    assert data["sha256"] == hashlib.sha256(rows).hexdigest()
    assert data["rows_in"] == len(rows.splitlines()) == data["rows_used"] + data["rows_rejected"] == 24 + 4
    assert (validation["rows_in"], validation["rows_used"]) == (4, 4)
    assert validation["sha256"] != data["sha256"]
    assert written["versions"]["trl"] == trl_version
    assert written["config"] == json.loads((folder / "config.json").read_text())
    model = AutoPeftModelForCausalLM.from_pretrained(folder / "adapter", is_trainable=True)
    weights = list(model.parameters())
    assert written["parameters"] == sum(weight.numel() for weight in weights)
    assert written["parameters_trained"] == sum(weight.numel() for weight in weights if weight.requires_grad)
    assert [step for step, _ in written["losses"]] == list(range(1, 13))
    assert [step for step, _ in written["validation_losses"]] == [3, 6, 9, 12]
    assert written["final_loss"] == written["losses"][-1][1]
    assert Path(written["saved"]).is_dir()
    assert written["seconds"] > 0 < written["tokens_per_second"]
    assert 0 < written["train_seconds"] < written["seconds"]
    assert written["epochs"] == 4
    assert written["hardware"]["devices"] == 1
    sequences = written["sequences"]
    assert sequences["tokens"] >= data["tokens"]  # batches are filled up
    assert sequences["tokens"] <= 24 * sequences["longest"]
    assert sequences["tokens"] ** 2 / 24 <= sequences["squares"] <= sequences["tokens"] * sequences["longest"]


def test_the_same_seed_gives_the_same_losses(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(16))
    first, again, other = (
        run(config(data, tmp_path, "run.max_steps=3", f"run.seed={seed}", f"run.name={name}"))[0].losses
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert first == again
    assert first != other


def test_the_last_small_batch_is_trained_too(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(9))
    _, steps = run(config(data, tmp_path, "trl.per_device_train_batch_size=4"))
    assert (len(steps), steps[-1].epoch) == (3, 1.0)


def test_a_taken_folder_is_refused_and_replaced_only_when_told(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(4))
    run(config(data, tmp_path, "run.max_steps=1"))
    with pytest.raises(OutputError, match=r"run\.overwrite=true"):
        run(config(data, tmp_path, "run.max_steps=1"))
    manifest, _ = run(config(data, tmp_path, "run.max_steps=2", "run.overwrite=true", "peft=full"))
    assert len(manifest.losses) == 2
    assert not (tmp_path / "small" / "adapter").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep me")
    with pytest.raises(OutputError, match="not made by dsforge"):
        run(config(data, tmp_path, "run.name=mine", "run.overwrite=true"))


def test_a_failed_run_leaves_nothing_and_the_old_one_stays(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(16))
    with pytest.raises(ConfigError, match="the loss is"):
        run(config(data, tmp_path, "peft=full", "trl.learning_rate=1e38", "run.max_steps=5"))
    assert {path.name for path in (tmp_path / "small.unfinished").iterdir()} >= {"nan_batch.jsonl"}
    run(config(data, tmp_path, "run.max_steps=1", "run.overwrite=true"))
    before = (tmp_path / "small" / "run.json").read_bytes()
    with pytest.raises(ConfigError, match="not found in the base model"):
        run(config(data, tmp_path, "peft.target_modules=[nowhere]", "run.overwrite=true"))
    assert (tmp_path / "small" / "run.json").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl", "small"}


def test_checkpoints_that_were_asked_for_outlive_a_failure(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(8))
    settings = config(data, tmp_path, "+trl.save_strategy=steps", "+trl.save_steps=1", "trl.num_train_epochs=3")

    def stop(step: object) -> None:
        if getattr(step, "step", 0) == 2:
            raise KeyboardInterrupt

    from dsforge.train.run import train

    with prepared(settings) as ready, pytest.raises(KeyboardInterrupt):
        train(ready, stop)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl", "small.unfinished"}
    assert (tmp_path / "small.unfinished" / "checkpoint-1").is_dir()


def test_a_model_too_small_for_the_rows_is_refused(full_run: Run) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(full_run[0] / "model")
    for ids, reason in (([10**6], "token 1000000"), ([1] * 5000, "5,000 tokens")):
        rows = TokenRows()
        rows.append(ids, ids)
        with pytest.raises(ConfigError, match=reason):
            check_fit(rows, model)


def test_a_model_of_a_folder_is_trained_like_one_of_the_hub(full_run: Run, tmp_path: Path) -> None:
    """model.path, as a user has it; the adapter names the folder that it was given."""
    from dsforge.train.app import compose_config

    model = full_run[0] / "model"
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(8))
    manifest, _ = run(compose_config([f"model.path={model}", f"data.path={data}", f"run.folder={tmp_path}",
                                      "run.name=on", "run.max_steps=2"]))  # fmt: skip
    assert manifest.losses[0][1] < 2  # it goes on from what was learnt
    adapter = json.loads((tmp_path / "on" / "adapter" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == str(model)
    assert not (tmp_path / "on" / "base").exists()


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("trl.learning_rate=fast", "learning_rate=fast"),
        ("trl.learning_rate=0", "above 0"),
        ("trl.max_length=long", "a number of tokens"),
        ("+trl.eval_packing=true", "not supported yet"),
        ("+trl.learning_rat=1", "did you mean 'learning_rate'"),
        ("+trl.assistant_only_loss=true", "generation marks"),
        ("+trl.neftune_noise_alpha=much", "valid number"),
        ("+trl.eval_strategy=epoch", "data.validation"),
        ("+peft.use_dorra=true", "did you mean 'use_dora'"),
        ("+peft.use_dora=perhaps", "valid boolean"),
    ],
)
def test_arguments_are_checked_before_rows_are_read(tmp_path: Path, override: str, reason: str) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [], [b"{never parsed"])
    with pytest.raises(ConfigError, match=reason), prepared(config(data, tmp_path, override)):
        pass
