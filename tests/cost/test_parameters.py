"""Parameters equal transformers' count and adapters PEFT's, to the last one; a config.json is read without either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.config_json import read_model
from dsforge.cost.local_model import check_count, local_model
from dsforge.cost.parameters import adapted, count_adapter, count_parameters
from dsforge.cost.setup import Setup
from dsforge.errors import ConfigError, UsageError
from dsforge.targets.load import all_facts
from dsforge.targets.profile import Model
from tests.cost.small import ARCHITECTURES, DENSE, config_of, known, registered_config

REGISTERED = list(all_facts(Model))
OWN_CODE = ("chatglm3", "baichuan2")
"""Families whose code is not in transformers: their matrices are fused otherwise than their stand-ins'."""


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model.name)
def test_the_closed_form_gives_the_published_total(model: Model) -> None:
    assert count_parameters(model).total == model.parameters


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model.name)
def test_the_closed_form_equals_transformers_and_peft(model: Model) -> None:
    pytest.importorskip("peft")
    from dsforge.models.build import add_adapter, build_model

    built = build_model(registered_config(model))
    assert count_parameters(model).total == built.num_parameters()
    if not model.name.startswith(OWN_CODE):
        assert count_adapter(model, 8) == add_adapter(built, 8).get_nb_trainable_parameters()[0]


def test_fused_matrices_have_one_adapter() -> None:
    hidden, layers, rank = 4096, 32, 8
    baichuan = known("baichuan2-7b")
    assert count_adapter(baichuan, rank, ["W_pack"]) == layers * rank * (hidden + 3 * hidden)
    assert [matrix.module for matrix in adapted(known("chatglm3-6b"))] == [
        "query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h",
    ]  # fmt: skip


def test_a_token_passes_two_of_mixtrals_eight_experts() -> None:
    parameters = count_parameters(known("mixtral-8x7b"))
    experts = 32 * 8 * 3 * 4096 * 14336
    assert parameters.linear - parameters.active == experts * 6 // 8
    assert parameters.active + parameters.embedding == pytest.approx(12.75e9, rel=0.005)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_config_json_gives_what_transformers_and_peft_count(name: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from dsforge.models.build import count_built

    config_of(name).save_pretrained(tmp_path)
    model = read_model(str(tmp_path))
    attention = [matrix.module for matrix in adapted(model)][:2]
    for targets in ((), attention):
        built = count_built(tmp_path, 8, targets or "all-linear")
        assert (count_parameters(model).total, count_adapter(model, 8, targets)) == (built.parameters, built.adapter)
    assert check_count(str(tmp_path), model, Setup(rank=8)).endswith("as transformers and PEFT count them")


def test_the_published_config_json_of_chatglm_and_baichuan_is_read(tmp_path: Path) -> None:
    chatglm = {
        "model_type": "chatglm", "hidden_size": 4096, "num_layers": 28, "num_attention_heads": 32,
        "multi_query_group_num": 2, "kv_channels": 128, "ffn_hidden_size": 13696, "padded_vocab_size": 65024,
        "add_qkv_bias": True,
    }  # fmt: skip
    baichuan = {
        "model_type": "baichuan", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40,
        "intermediate_size": 13696, "vocab_size": 125696, "tie_word_embeddings": False,
    }  # fmt: skip
    for config, name in ((chatglm, "chatglm3-6b"), (baichuan, "baichuan2-13b")):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(config))
        assert count_parameters(read_model(str(path))) == count_parameters(known(name))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no config.json"),
        ("[]", "an object is expected"),
        ('{"model_type": "qwen4"}', "did you mean 'qwen"),
        ('{"model_type": "llama", "hidden_size": 64}', "num_attention_heads is missing"),
        (json.dumps({"model_type": "llama", **DENSE, "hidden_size": -64, "head_dim": 16}), "hidden_size: "),
    ],
)
def test_a_config_json_that_does_not_fit_is_one_line(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match=message) as error:
        read_model(str(tmp_path))
    assert "\n" not in str(error.value)


def test_an_architecture_without_a_closed_form_is_built_where_torch_is(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    transformers.Gemma2Config(**DENSE, head_dim=16).save_pretrained(tmp_path / "gemma")
    model = local_model(str(tmp_path / "gemma"))
    assert model is not None
    assert model.family == "gemma2"
    assert "but transformers counts" in check_count(str(tmp_path / "gemma"), model, Setup())
    transformers.GPT2Config(n_embd=64, n_head=4, n_inner=160, n_layer=2).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ConfigError, match="a gpt2 model"):
        local_model(str(tmp_path / "gpt2"))


def test_a_matrix_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(UsageError, match="did you mean 'q_proj'"):
        adapted(known("qwen2.5-7b"), ["q_prj"])


def test_registered_models_are_priced_without_torch(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    code = (
        "import sys\nfrom dsforge.cost.count import count_tokens\n"
        "from dsforge.cost.estimate import Choices, estimate_cost, plan_estimate\n"
        "plan = plan_estimate(Choices(targets=['local'], models=['mixtral-8x7b', 'baichuan2-13b']))\n"
        f"estimate_cost(count_tokens([{str(rows)!r}], 'approximate'), plan)\n"
        "print({'torch', 'transformers', 'peft'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout == "set()\n"


def test_without_torch_the_closed_form_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", **DENSE}))

    def missing(module: str) -> Any:
        return None

    monkeypatch.setattr("dsforge.cost.local_model.find_spec", missing)
    assert "by closed form; with dsforge[train]" in check_count(str(tmp_path), read_model(str(tmp_path)), Setup())
