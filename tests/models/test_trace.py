"""The trace counts what is alive: worked by hand for weights and states, and by what has to grow and fall."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError
from tests.cost.small import DENSE, config_of

pytest.importorskip("peft")

from dsforge.models.build import add_adapter, build_model, count_built, read_config
from dsforge.models.trace import StepMemory, trace_step


def _step(name: str = "llama", tokens: int = 512, **options: Any) -> StepMemory:
    return trace_step(build_model(config_of(name)), tokens, **options)


def test_weights_and_states_are_two_and_four_bytes_a_parameter() -> None:
    parameters = build_model(config_of("llama")).num_parameters()
    step = _step()
    assert step.weights == pytest.approx(2 * parameters, rel=0.01)  # and the table of rotary frequencies
    assert step.states == 4 * parameters
    assert step.total == step.peak + step.states


def test_an_adapter_has_states_alone() -> None:
    model = add_adapter(build_model(config_of("llama")), 8)
    trained = model.get_nb_trainable_parameters()[0]
    assert trace_step(model, 64).states == 2 * 4 * trained  # PEFT holds it in FP32


def test_checkpointing_and_leaving_out_the_logits_save_memory() -> None:
    whole, checkpointed, headless = (
        _step(checkpointing=False), _step(checkpointing=True), _step(checkpointing=True, head=False)
    )  # fmt: skip
    assert whole.peak > checkpointed.peak > headless.peak


def test_a_tied_table_is_counted_once() -> None:
    table = 2 * DENSE["vocab_size"] * DENSE["hidden_size"]
    assert _step("llama").weights - _step("llama-tied").weights == table


def test_attention_holds_no_scores() -> None:
    short, long = _step(tokens=1024, head=False), _step(tokens=4096, head=False)
    gc.collect()
    assert (long.peak - long.weights) / (short.peak - short.weights) == pytest.approx(4, rel=0.1)


def test_a_config_that_needs_code_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "baichuan", "auto_map": {"AutoConfig": "configuration_baichuan.BaichuanConfig"}}'
    )
    with pytest.raises(ConfigError, match="transformers cannot read it"):
        read_config(tmp_path)


def test_targets_that_the_model_does_not_have_are_refused(tmp_path: Path) -> None:
    config_of("llama").save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="PEFT refuses the adapter"):
        count_built(tmp_path, 8, ["W_pack"])
