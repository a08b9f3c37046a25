"""Work and time of a training: FLOPs in closed form, hours from a GPU's peak and a range of utilisation.

N is the weights of the layers' matrices, D the tokens, V and h vocabulary and hidden size, A the work of
attention 4 * layers * heads * head_dim * (sum of T^2 over rows of T tokens), a the adapter's weights:

    forward           2 N D + 2 V h D + A (+ 2 a D)
    backward, full    twice the forward
    backward, LoRA    2 N D + 2 V h D + 2 A + 4 a D, less the first layer's inputs without checkpointing
    checkpointing     the layers' forward again; full training stops before the last matrix (down)

The reference is torch.utils.flop_counter, from which it is off by 2% at most (tested). Attention counts
whole; kernels that skip the causal half do about half of A.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsforge.cost.parameters import count_adapter, count_parameters
from dsforge.targets.profile import Method, Model

UTILISATION = (0.25, 0.45)
"""The part of a GPU's peak that training reaches, low and high: a prior, not a measurement."""


@dataclass(frozen=True)
class Work:
    """The sequences of one epoch: how many tokens, and the sum of the squares of their lengths.

    `extra_forwards` is how often, on average, a token runs forward beside its training pass: once through
    the reference model for a preference pair (DPO), three times for a KTO label (the reference model,
    and both models on a shuffled completion).
    """

    tokens: int
    squares: int
    extra_forwards: float = 0.0


def work_of(lengths: Iterable[int], limit: int | None = None, extra_forwards: float = 0.0) -> Work:
    """The work of sequences, each cut at `limit` tokens."""
    tokens = squares = 0
    for length in lengths:
        cut = min(length, limit) if limit else length
        tokens += cut
        squares += cut * cut
    return Work(tokens, squares, extra_forwards)


def _forward(model: Model, work: Work, adapter: int) -> float:
    parameters = count_parameters(model)
    return 2.0 * (parameters.linear + parameters.head + adapter) * work.tokens + _attention(model, work)


def _attention(model: Model, work: Work) -> float:
    return 4.0 * model.layers * model.heads * model.head_dim * work.squares


def _frozen_inputs(model: Model, work: Work) -> float:
    """The gradient of the first layer's inputs, which nothing needs where the embeddings are frozen."""
    return 2.0 * model.hidden_size * (model.heads + 2 * model.kv_heads) * model.head_dim * work.tokens


def _recomputed(model: Model, work: Work, adapter: int) -> float:
    parameters = count_parameters(model)
    down = 0 if adapter else model.layers * model.hidden_size * model.intermediate_size
    return 2.0 * (parameters.linear - down + adapter) * work.tokens + _attention(model, work)


def training_flops(model: Model, method: Method, work: Work, *, rank: int = 16, checkpointing: bool = True) -> float:
    """Floating-point operations of one epoch."""
    adapter = count_adapter(model, rank) if method == "lora" else 0
    forward = _forward(model, work, adapter)
    if method == "full":
        backward = 2 * forward
    else:
        backward = forward + _attention(model, work) + 2.0 * adapter * work.tokens
        backward -= 0 if checkpointing else _frozen_inputs(model, work)
    recomputed = _recomputed(model, work, adapter) if checkpointing else 0.0
    return forward + backward + recomputed + work.extra_forwards * _forward(model, work, 0)


def training_hours(flops: float, tflops: float, count: int = 1) -> tuple[float, float]:
    """(fast, slow) hours of `flops` on `count` GPUs with a peak of `tflops` each."""
    low, high = UTILISATION
    at_peak = flops / (tflops * 1e12 * count) / 3600
    return at_peak / high, at_peak / low
