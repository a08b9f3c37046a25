"""The geometry of a model from its config.json, without transformers: the closed form where torch is not installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dsforge.errors import ConfigError, did_you_mean
from dsforge.targets.profile import Model

CONFIG = "config.json"

_Config = Mapping[str, Any]
_QKV = ("q", "k", "v")


def is_path(name: str) -> bool:
    """Whether a model is named by a folder or a file, not by what it is called."""
    path = Path(name)
    return path.suffix == ".json" or path.is_dir() or name.startswith((".", "/", "~"))


def _standard(config: _Config) -> dict[str, Any]:
    heads = config["num_attention_heads"]
    return {
        "hidden_size": config["hidden_size"],
        "layers": config["num_hidden_layers"],
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or config["hidden_size"] // heads,
        "intermediate_size": config["intermediate_size"],
        "vocab_size": config["vocab_size"],
        "tied_embeddings": config.get("tie_word_embeddings", False),
    }


def _llama(config: _Config) -> dict[str, Any]:
    bias = config.get("attention_bias", False)
    return {**_standard(config), "qkv_bias": bias, "o_bias": bias, "mlp_bias": config.get("mlp_bias", False)}


def _qwen2(config: _Config) -> dict[str, Any]:
    return {**_standard(config), "qkv_bias": True}


def _qwen3(config: _Config) -> dict[str, Any]:
    bias = config.get("attention_bias", False)
    return {**_standard(config), "head_dim": config.get("head_dim", 128), "qkv_bias": bias, "o_bias": bias,
            "qk_norm": True}  # fmt: skip


def _qwen3_moe(config: _Config) -> dict[str, Any]:
    if config.get("mlp_only_layers") or config.get("decoder_sparse_step", 1) != 1:
        raise ConfigError("only some of its layers have experts (mlp_only_layers, decoder_sparse_step)")
    return {**_qwen3(config), "head_dim": config.get("head_dim") or _standard(config)["head_dim"], "experts": {
        "number": config.get("num_experts") or config["num_local_experts"], "active": config["num_experts_per_tok"],
        "intermediate_size": config["moe_intermediate_size"],
    }}  # fmt: skip


def _mixtral(config: _Config) -> dict[str, Any]:
    return {**_standard(config), "experts": {
        "number": config["num_local_experts"], "active": config["num_experts_per_tok"],
        "intermediate_size": config["intermediate_size"],
    }}  # fmt: skip


def _glm(config: _Config) -> dict[str, Any]:
    return {
        **_standard(config), "head_dim": config.get("head_dim", 128), "qkv_bias": config.get("attention_bias", False),
        "modules": {"gate": "gate_up_proj", "up": "gate_up_proj"},
    }  # fmt: skip


def _glm4(config: _Config) -> dict[str, Any]:
    return {**_glm(config), "norms": 4}


def _phi3(config: _Config) -> dict[str, Any]:
    modules = {"gate": "gate_up_proj", "up": "gate_up_proj", **dict.fromkeys(_QKV, "qkv_proj")}
    return {**_standard(config), "modules": modules}


def _deepseek(config: _Config) -> dict[str, Any]:
    inner, shared = config["moe_intermediate_size"], config.get("n_shared_experts") or 0
    return {
        **_standard(config),
        "latent": {
            "query_rank": config.get("q_lora_rank"), "key_value_rank": config["kv_lora_rank"],
            "plain_dim": config["qk_nope_head_dim"], "rotary_dim": config["qk_rope_head_dim"],
            "value_dim": config["v_head_dim"],
        },
        "experts": {
            "number": config["n_routed_experts"], "active": config["num_experts_per_tok"], "intermediate_size": inner,
            "first_layer": config.get("first_k_dense_replace", 0), "shared_size": inner * shared,
        },
    }  # fmt: skip


def _baichuan(config: _Config) -> dict[str, Any]:
    return {**_standard(config), "modules": dict.fromkeys(_QKV, "W_pack")}


def _chatglm(config: _Config) -> dict[str, Any]:
    return {
        "hidden_size": config["hidden_size"],
        "layers": config["num_layers"],
        "heads": config["num_attention_heads"],
        "kv_heads": config["multi_query_group_num"],
        "head_dim": config["kv_channels"],
        "intermediate_size": config["ffn_hidden_size"],
        "vocab_size": config["padded_vocab_size"],
        "qkv_bias": config.get("add_qkv_bias", False),
        "modules": {
            **dict.fromkeys(_QKV, "query_key_value"), "o": "dense", "gate": "dense_h_to_4h", "up": "dense_h_to_4h",
            "down": "dense_4h_to_h",
        },
    }  # fmt: skip


_GEOMETRY: dict[str, Callable[[_Config], dict[str, Any]]] = {
    "baichuan": _baichuan, "chatglm": _chatglm, "deepseek_v2": _deepseek, "deepseek_v3": _deepseek, "glm": _glm,
    "glm4": _glm4, "llama": _llama, "mistral": _standard, "mixtral": _mixtral, "phi3": _phi3, "qwen2": _qwen2,
    "qwen3": _qwen3, "qwen3_moe": _qwen3_moe,
}  # fmt: skip
"""By `model_type`, how the fields of a config.json say the geometry."""


class UnknownArchitecture(ConfigError):
    """A config.json of a `model_type` that has no closed form here."""


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: name a folder with a {CONFIG}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no {CONFIG}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: an object is expected, not {type(content).__name__}")
    return content


def config_path(name: str) -> Path:
    """The config.json of a folder, or the file that is named."""
    path = Path(name).expanduser()
    return path / CONFIG if path.is_dir() else path


def model_from(path: Path, architecture: str, facts: Mapping[str, Any]) -> Model:
    """The model of a config.json, called as the folder that it lies in.

    Raises:
        ConfigError: a fact does not fit.
    """
    name = path.resolve().parent.name if path.name == CONFIG else path.stem
    try:
        return Model(
            name=name, path=str(path), source=str(path), as_of=date.today(), architecture=architecture, **facts
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{path}: {place}: {first['msg']}, not {first['input']!r}") from error


def read_model(name: str) -> Model:
    """The geometry that a folder's config.json (or a file of its kind) states.

    Raises:
        UnknownArchitecture: the closed form does not know it.
        ConfigError: there is no such file, a field is missing or does not fit.
    """
    path = config_path(name)
    config = _read(path)
    kind = str(config.get("model_type", ""))
    if kind not in _GEOMETRY:
        raise UnknownArchitecture(f"{path}: model_type {kind!r} has no closed form here{did_you_mean(kind, _GEOMETRY)}")
    try:
        facts = _GEOMETRY[kind](config)
    except KeyError as error:
        raise ConfigError(f"{path}: {error.args[0]} is missing") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return model_from(path, kind, facts)
