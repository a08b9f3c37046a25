"""The memory of a training step, found by running it whole on tensors that have shapes but no storage.

Every storage that an operation makes is counted from then until it is freed; the peak is what a GPU would
need for the step, without its context and what fragments waste. Weights and inputs are counted as well.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from dsforge.extras import require

torch = require("torch", "train", "tracing a training step")

from torch._subclasses import FakeTensorMode  # noqa: E402 (after the check that torch is there)
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402
from transformers.integrations.sdpa_attention import sdpa_attention_forward  # noqa: E402
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS  # noqa: E402


@dataclass(frozen=True)
class StepMemory:
    """Bytes. `states` are AdamW's, two for each trained weight; `peak` is of weights, gradients and activations."""

    weights: int
    states: int
    peak: int

    @property
    def total(self) -> int:
        """What the step needs from the second on, when the optimizer's states are there."""
        return self.peak + self.states


class _LiveBytes(TorchDispatchMode):  # type: ignore[misc]
    """Counts the bytes of the storages that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known: set[int] = set()

    def add(self, tensor: Any) -> None:
        """Count the storage of a tensor until it is freed."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(results):
            if isinstance(leaf, torch.Tensor):
                self.add(leaf)
        return results


def _materialise(model: Any) -> None:
    """Put tensors of the fake mode that is active in place of those on the meta device; tied weights stay tied."""
    made: dict[int, Any] = {}

    def fake(tensor: Any) -> Any:
        if id(tensor) not in made:
            empty = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
            trained = tensor.requires_grad
            made[id(tensor)] = torch.nn.Parameter(empty, trained) if isinstance(tensor, torch.nn.Parameter) else empty
        return made[id(tensor)]

    for module in model.modules():
        for name, weight in list(module._parameters.items()):
            if weight is not None:
                module._parameters[name] = fake(weight)
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = fake(buffer)


_CAUSAL = "dsforge_causal"
"""Attention as kernels for GPUs do it, causal without a mask: the library makes one of T^2 under a trace."""

ALL_ATTENTION_FUNCTIONS.register(_CAUSAL, sdpa_attention_forward)


def trace_step(
    model: Any, tokens: int, batch_size: int = 1, *, checkpointing: bool = True, head: bool = True
) -> StepMemory:
    """The memory of a forward and a backward pass over `batch_size` rows of `tokens`.

    `model` stands on the meta device, with its adapter if it has one, and is used up. Without `head` the
    hidden states alone are computed, for trainers that do not hold the logits of a whole row at a time.
    """
    model.train()
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.config.use_cache = False
    base.set_attn_implementation(_CAUSAL)
    if checkpointing:
        base.gradient_checkpointing_enable({"use_reentrant": False})
        if base is not model:
            base.enable_input_require_grads()
    with FakeTensorMode(allow_non_fake_inputs=True), _LiveBytes() as live:
        _materialise(model)
        weights = live.live
        rows = torch.zeros((batch_size, tokens), dtype=torch.long)
        if head:
            model(input_ids=rows, labels=rows).loss.backward()
        else:
            hidden = base.base_model(input_ids=rows).last_hidden_state
            hidden.backward(torch.empty_like(hidden))
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        states = sum(2 * weight.numel() * weight.element_size() for weight in trained)
        return StepMemory(weights, states, live.peak)
