"""Memory of a training, by its parts, in GiB for each GPU: an estimate in closed form.

Assumed: weights in BF16; full training with gradients and both AdamW states in BF16; a LoRA adapter with
weights, gradients and states in FP32; gradient checkpointing; flash or memory-efficient attention; the
language-model head computed in tiles of 4,096 tokens by 32,768 words (as TRL does). On several GPUs
weights, gradients and states are sharded evenly (FSDP, ZeRO-3), the rest is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsforge.cost.parameters import count_adapter, count_parameters
from dsforge.targets.profile import Method, Model

GIB = 1 << 30
CONTEXT_GIB = 0.8
"""CUDA context and libraries: a prior."""
BAND = 0.20
"""Relative band of the estimate: it has not been measured on a GPU."""
USABLE = 0.95
"""The part of a GPU's memory that can be filled before fragments make it fail: a prior."""

_TILE_TOKENS, _TILE_WORDS = 4096, 32768


@dataclass(frozen=True)
class Memory:
    """GiB on each GPU, by what they are for."""

    weights: float
    gradients: float
    optimizer: float
    adapter: float
    activations: float
    head: float
    context: float = CONTEXT_GIB

    @property
    def total(self) -> float:
        """All of it."""
        return (
            self.weights + self.gradients + self.optimizer + self.adapter
            + self.activations + self.head + self.context
        )  # fmt: skip


def _activations(model: Model, tokens: int) -> float:
    """Bytes: one BF16 hidden state per layer kept, and the largest layer's own during its backward pass.

    Of a layer are alive, in BF16, six states of the hidden size with their FP32 copies in two norms, the
    queries, keys, values and attention's output with their gradients, and four of the MLP's inner size
    with theirs.
    """
    query, key = model.heads * model.head_dim, model.kv_heads * model.head_dim
    kept = model.layers * 2 * model.hidden_size
    layer = (6 * 2 + 2 * 4) * model.hidden_size + 2 * 2 * (2 * query + 2 * key) + 2 * 4 * model.intermediate_size
    return float(tokens * (kept + layer))


def _head(model: Model, tokens: int) -> float:
    """Bytes of a tile of logits, its probabilities in FP32, and the hidden states' gradient."""
    tile = min(tokens, _TILE_TOKENS) * min(model.vocab_size, _TILE_WORDS)
    return float(tile * (4 + 4) + tokens * model.hidden_size * 4)


def training_memory(
    model: Model, method: Method, max_tokens: int, *, batch_size: int = 1, rank: int = 16, gpus: int = 1
) -> Memory:
    """The memory of training with rows of `max_tokens`, `batch_size` rows at a time."""
    total, tokens = count_parameters(model).total, max_tokens * batch_size
    trained = total if method == "full" else 0
    adapter = count_adapter(model, rank) if method == "lora" else 0
    return Memory(
        weights=2 * total / GIB / gpus,
        gradients=2 * trained / GIB / gpus,
        optimizer=4 * trained / GIB / gpus,
        adapter=16 * adapter / GIB / gpus,
        activations=_activations(model, tokens) / GIB,
        head=_head(model, tokens) / GIB,
    )
