"""Every option of `peft` trains a causal model, and every other method of PEFT is within reach of its path."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError
from dsforge.resources import resource
from dsforge.train.adapter import adapter_config, check_adapter
from dsforge.train.app import compose_config
from dsforge.train.config import Adapter, PathModel, TinyModel, TrainConfig
from dsforge.train.load import load_model
from dsforge.train.tiny import build_model
from tests.train.small import config, lamp_rows, run, write_rows

_OPTIONS = sorted(path.stem for path in resource("conf", "train", "peft").glob("*.yaml"))
_ADAPTERS = [name for name in _OPTIONS if name not in ("full", "custom")]


def _composed(*overrides: str) -> TrainConfig:
    return compose_config(["model=tiny", "data.path=rows.jsonl", "run.name=a", *overrides])


@pytest.fixture(scope="session")
def base(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model of one layer."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("base")
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    build_model(TinyModel(kind="tiny", layers=1, width=64, heads=4, vocabulary=400), tokenizer, folder)
    tokenizer.save_pretrained(folder)
    return folder


def _loaded(base: Path, settings: TrainConfig) -> Any:
    source = PathModel(
        kind="path", path=str(base), revision=None, dtype="float32", template="auto", trust_remote_code=False
    )
    return load_model(source, settings)


def _learns(model: Any, peft: Adapter) -> int:
    """How many weights of the adapter a step would move."""
    import torch
    from peft import get_peft_model

    adapted = get_peft_model(model, adapter_config(peft))
    ids = torch.arange(8).unsqueeze(0)
    adapted(input_ids=ids, labels=ids).loss.backward()
    trained = [weight for weight in adapted.parameters() if weight.requires_grad]
    return sum(int(weight.grad.count_nonzero()) for weight in trained if weight.grad is not None)


@pytest.mark.parametrize("name", _ADAPTERS)
def test_each_option_trains_a_causal_model(name: str, base: Path) -> None:
    if name == "qlora":
        pytest.importorskip("bitsandbytes")
    settings = _composed(f"peft={name}")
    check_adapter(settings)
    assert isinstance(settings.peft, Adapter)
    assert settings.peft.is_adapter
    assert settings.peft.name == name
    assert _learns(_loaded(base, settings), settings.peft) > 0


def test_any_other_method_of_peft_is_named_by_its_path(base: Path) -> None:
    settings = _composed("peft=custom", "peft.target=peft.GraloraConfig", "+peft.r=8", "+peft.target_modules=[q_proj]")
    check_adapter(settings)
    assert isinstance(settings.peft, Adapter)
    assert settings.peft.arguments == {"r": 8, "target_modules": ["q_proj"]}
    assert _learns(_loaded(base, settings), settings.peft) > 0


def test_what_sets_the_lora_options_apart() -> None:
    def arguments(name: str) -> Any:
        peft = _composed(f"peft={name}", "peft.r=4").peft
        assert isinstance(peft, Adapter)
        return adapter_config(peft), peft.quantize

    assert [arguments(name)[1] for name in ("lora", "qlora", "dora", "rslora")] == [None, "nf4", None, None]
    assert [arguments(name)[0].use_dora for name in ("lora", "dora", "rslora")] == [False, True, False]
    assert [arguments(name)[0].use_rslora for name in ("lora", "dora", "rslora")] == [False, False, True]
    assert arguments("dora")[0].r == 4


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["peft=custom", "peft.target=peft.VeraConfg"], "did you mean 'peft.VeraConfig'"),
        (["peft=custom", "peft.target=os.path"], "no configuration of PEFT"),
        (["peft=custom", "peft.target=nowhere.Config"], "no class that can be imported"),
        (["peft=custom", "peft.target=peft.PolyConfig"], "a task of each row"),
        (["peft=ia3", "+peft.feedforward_module=[x]"], "did you mean 'feedforward_modules'"),
        (["peft=vera", "peft.r=many"], "peft.r=many"),
        (["peft=prompt-tuning", "merge=true"], "merge=true"),
        (["peft=prefix-tuning", "trl.gradient_checkpointing=true"], "trl.gradient_checkpointing"),
    ],
)
def test_what_peft_would_refuse_or_take_in_silence_is_told(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_adapter(_composed(*overrides))


@pytest.mark.parametrize(("quantize", "layer"), [("nf4", "Linear4bit"), ("int8", "Linear8bitLt")])
def test_frozen_weights_are_quantised(quantize: str, layer: str, base: Path) -> None:
    pytest.importorskip("bitsandbytes")
    model = _loaded(base, _composed("peft=qlora", f"peft.quantize={quantize}"))
    assert layer in {type(module).__name__ for module in model.modules()}


def test_without_bitsandbytes_qlora_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(ConfigError, match="pip install 'dsforge\\[qlora\\]'"):
        check_adapter(_composed("peft=qlora"))


def test_adalora_moves_its_ranks(tmp_path: Path) -> None:
    """PEFT leaves that to the training loop: without a call the ranks would stay as they began."""
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(8))
    manifest, _ = run(config(data, tmp_path, "peft=adalora", "peft.init_r=4", "peft.target_r=1", "run.max_steps=4",
                             "trl.per_device_train_batch_size=2"))  # fmt: skip
    saved = json.loads((Path(manifest.saved) / "adapter_config.json").read_text())
    kept = sum(sum(ranks) for ranks in saved["rank_pattern"].values())
    assert 0 < kept <= len(saved["rank_pattern"])  # one of four on average


def test_weights_of_virtual_tokens_are_counted(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", lamp_rows(4))
    manifest, _ = run(config(data, tmp_path, "peft=prompt-tuning", "peft.num_virtual_tokens=3", "run.max_steps=1"))
    assert manifest.parameters_trained == 3 * 64
