"""Memory: the closed form is held to traces of whole steps, and divides among GPUs as ZeRO says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.config_json import read_model
from dsforge.cost.memory import CONTEXT_GIB, GIB, training_memory
from dsforge.cost.parameters import count_adapter, count_parameters
from dsforge.cost.setup import Setup, Sharding
from dsforge.targets.profile import LocalMethod
from tests.cost.small import TINY, config_of, known, registered_config

TRACED = 0.10
"""How far the closed form may be from the trace of a step, of either sign."""


def _traced(config: Any, setup: Setup, tokens: int, batch_size: int) -> float:
    """GiB of a step, as a trace of the whole model finds them."""
    pytest.importorskip("peft")
    from dsforge.models.build import add_adapter, build_model
    from dsforge.models.trace import trace_step

    built = build_model(config)
    if not setup.is_full:
        built = add_adapter(built, setup.rank, setup.targets or "all-linear")
    return trace_step(built, tokens, batch_size, checkpointing=setup.checkpointing).total / GIB


@pytest.mark.parametrize(
    ("name", "tokens", "batch_size"),
    [("tiny", 256, 2), ("tiny", 2048, 1), ("qwen2.5-0.5b", 512, 1), ("qwen2.5-0.5b", 4096, 2)],
)
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("checkpointing", [True, False])
def test_the_closed_form_is_within_10_percent_of_a_trace(
    name: str, tokens: int, batch_size: int, method: LocalMethod, checkpointing: bool
) -> None:
    model, setup = TINY if name == "tiny" else known(name), Setup(method, checkpointing=checkpointing)
    ours = training_memory(model, setup, tokens, batch_size=batch_size, tiled_head=False)
    assert ours.total - CONTEXT_GIB == pytest.approx(
        _traced(registered_config(model), setup, tokens, batch_size), rel=TRACED
    )


@pytest.mark.parametrize("name", ["mixtral", "qwen3-moe", "deepseek-v3-even", "glm4", "phi3"])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("checkpointing", [True, False])
def test_so_it_is_for_experts_latent_attention_and_fused_matrices(
    name: str, method: LocalMethod, checkpointing: bool, tmp_path: Path
) -> None:
    config = config_of(name)
    config.save_pretrained(tmp_path)
    if read_model(str(tmp_path)).experts:
        config._experts_implementation = "grouped_mm"
    setup = Setup(method, checkpointing=checkpointing)
    ours = training_memory(read_model(str(tmp_path)), setup, 1024, batch_size=2, tiled_head=False)
    assert ours.total - CONTEXT_GIB == pytest.approx(_traced(config, setup, 1024, 2), rel=TRACED)


@pytest.mark.parametrize(
    ("name", "method", "tokens", "batch", "checkpointing", "traced"),
    [  # of traces as above, which take longer for models of this size
        ("llama-3-8b", "full", 2048, 1, True, 59.8), ("llama-3-8b", "lora", 2048, 1, True, 18.9),
        ("llama-3-8b", "lora", 2048, 1, False, 36.4), ("llama-3-8b", "full", 4096, 2, False, 105.9),
        ("llama-3-8b", "lora", 4096, 2, True, 29.3), ("llama-3-8b", "lora", 4096, 2, False, 99.3),
    ],
)  # fmt: skip
def test_so_it_is_for_models_of_8b(
    name: str, method: LocalMethod, tokens: int, batch: int, checkpointing: bool, traced: float
) -> None:
    setup = Setup(method, checkpointing=checkpointing)
    memory = training_memory(known(name), setup, tokens, batch_size=batch, tiled_head=False)
    assert memory.total - CONTEXT_GIB == pytest.approx(traced, rel=TRACED)


def test_a_head_in_tiles_takes_less_than_whole_logits() -> None:
    model, setup = known("qwen2.5-0.5b"), Setup()
    whole = training_memory(model, setup, 4096, tiled_head=False)
    assert whole.head == pytest.approx(12 * 4096 * 151936 / GIB)
    assert training_memory(model, setup, 4096).total < whole.total


def test_memory_by_method() -> None:
    model = known("qwen2.5-7b")
    total = count_parameters(model).total
    full, lora, qlora = (training_memory(model, Setup(method), 1024) for method in ("full", "lora", "qlora"))
    assert (full.weights, full.optimizer) == (pytest.approx(2 * total / GIB), pytest.approx(4 * total / GIB))
    assert lora.adapter == pytest.approx(16 * count_adapter(model, 16) / GIB)
    assert lora.gradients == lora.optimizer == full.adapter == 0
    linear = count_parameters(model).linear
    assert qlora.weights == pytest.approx((linear * 4.127 / 8 + (total - linear) * 2) / GIB)
    assert full.total > lora.total > qlora.total


def test_adapters_on_experts_form_their_matrices_anew() -> None:
    model = known("mixtral-8x7b")
    on_experts, on_attention = (
        training_memory(model, Setup(targets=targets), 16).activations for targets in ((), ("q_proj", "v_proj"))
    )
    assert on_experts - on_attention == pytest.approx(2 * 8 * 3 * 4096 * 14336 * 4 / 3 / GIB, rel=0.01)


def test_mixed_precision_takes_18_bytes_for_a_weight() -> None:
    model = known("qwen2.5-7b")
    memory = training_memory(model, Setup("full", precision="mixed"), 16)
    fixed = memory.weights + memory.optimizer + memory.gradients
    assert fixed == pytest.approx(18 * count_parameters(model).total / GIB)


def test_full_training_on_preferences_holds_a_reference() -> None:
    model = known("qwen2.5-7b")
    full, lora = (training_memory(model, Setup(method), 1024, reference=True) for method in ("full", "lora"))
    assert full.reference == full.weights
    assert lora.reference == 0  # the adapter is switched off instead


@pytest.mark.parametrize(
    ("sharding", "divided"),
    [("none", ()), ("zero1", ("optimizer",)), ("zero2", ("optimizer", "gradients")),
     ("zero3", ("optimizer", "gradients", "weights")), ("fsdp", ("optimizer", "gradients", "weights"))],
)  # fmt: skip
def test_what_sharding_divides(sharding: Sharding, divided: tuple[str, ...]) -> None:
    model, setup = known("qwen2.5-7b"), Setup("full", sharding=sharding)
    one, eight = (training_memory(model, setup, 16, gpus=gpus) for gpus in (1, 8))
    for part in ("weights", "gradients", "optimizer"):
        assert getattr(one, part) / getattr(eight, part) == pytest.approx(8 if part in divided else 1)


def test_memory_grows_with_length_and_falls_with_gpus() -> None:
    model = known("qwen2.5-7b")
    assert training_memory(model, Setup(), 4096).total > training_memory(model, Setup(), 1024).total
    shards = [training_memory(model, Setup("full"), 1024, gpus=count).total for count in (1, 2, 4, 8)]
    assert shards == sorted(shards, reverse=True)
