"""Geometries for the tests: the tiny one, and the configurations of transformers that are the same models."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dsforge.targets.load import find_model
from dsforge.targets.profile import Model

TINY = Model(
    name="tiny", path="tiny", source="tests", as_of=date(2026, 1, 1), hidden_size=64, layers=3, heads=4, kv_heads=2,
    head_dim=16, intermediate_size=160, vocab_size=512, qk_norm=True,
)  # fmt: skip

DENSE: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0,
}  # fmt: skip
GLM = {**DENSE, "head_dim": 16, "attention_bias": True}
DEEPSEEK = {
    **DENSE, "num_key_value_heads": 4, "first_k_dense_replace": 1, "moe_intermediate_size": 32, "n_routed_experts": 8,
    "num_experts_per_tok": 2, "n_group": 2, "topk_group": 1, "q_lora_rank": 24, "kv_lora_rank": 16,
    "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16,
}  # fmt: skip
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", DENSE),
    "llama-with-biases": ("LlamaConfig", {**DENSE, "attention_bias": True, "mlp_bias": True}),
    "llama-tied": ("LlamaConfig", {**DENSE, "tie_word_embeddings": True}),
    "mistral": ("MistralConfig", DENSE),
    "qwen2": ("Qwen2Config", DENSE),
    "qwen3": ("Qwen3Config", {**DENSE, "head_dim": 32}),
    "qwen3-moe": ("Qwen3MoeConfig", {**DENSE, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}),
    "mixtral": ("MixtralConfig", {**DENSE, "num_local_experts": 4}),
    "glm": ("GlmConfig", GLM),
    "glm4": ("Glm4Config", GLM),
    "phi3": ("Phi3Config", DENSE),
    "deepseek-v2": ("DeepseekV2Config", DEEPSEEK),
    "deepseek-v2-lite": ("DeepseekV2Config", {**DEEPSEEK, "q_lora_rank": None, "n_shared_experts": 2}),
    "deepseek-v3": ("DeepseekV3Config", DEEPSEEK),
    # values as wide as keys: else attention on a CPU holds its scores
    "deepseek-v3-even": ("DeepseekV3Config", {**DEEPSEEK, "v_head_dim": 24}),
}


def config_of(name: str) -> Any:
    """The transformers configuration of an architecture."""
    kind, fields = ARCHITECTURES[name]
    return getattr(pytest.importorskip("transformers"), kind)(**fields)


def known(name: str) -> Model:
    """A registered model."""
    model = find_model(name)
    assert model is not None
    return model


def registered_config(model: Model) -> Any:
    """The transformers configuration of a registered model.

    Its own code stands in for ChatGLM3 by GLM and for Baichuan2 by Llama: of the same matrices, otherwise cut.
    """
    transformers = pytest.importorskip("transformers")
    kinds = {
        "qwen2.5": "Qwen2",
        "qwen3": "Qwen3",
        "tiny": "Qwen3",
        "glm": "Glm",
        "chatglm": "Glm",
        "mixtral": "Mixtral",
    }
    kind = next((found for prefix, found in kinds.items() if model.name.startswith(prefix)), "Llama")
    more: dict[str, Any] = {"attention_bias": True, "pad_token_id": 0} if kind == "Glm" else {}
    if model.experts:
        more = {"num_local_experts": model.experts.number, "num_experts_per_tok": model.experts.active}
    return getattr(transformers, f"{kind}Config")(
        hidden_size=model.hidden_size, num_hidden_layers=model.layers, num_attention_heads=model.heads,
        num_key_value_heads=model.kv_heads, head_dim=model.head_dim, intermediate_size=model.intermediate_size,
        vocab_size=model.vocab_size, tie_word_embeddings=model.tied_embeddings, **more,
    )  # fmt: skip
