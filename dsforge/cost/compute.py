"""Work and time of a training: FLOPs in closed form, hours from a GPU's peak and a range of utilisation.

N is the weights of the layers' matrices that a token passes (of experts, those that are chosen), D the tokens, V and h
vocabulary and hidden size, A the work of attention 2 * layers * heads * (width of a query + width of a value) *
(sum of T^2 over rows of T tokens), a the adapter's weights that a token passes:

    forward           2 N D + 2 V h D + A (+ 2 a D)
    backward, full    twice the forward
    backward, LoRA    2 N D + 2 V h D + 2 A + 4 a D, less the first layer's inputs without checkpointing
    checkpointing     the layers' forward again; full training stops before a last matrix (down)

QLoRA does the work of LoRA: undoing its four bits is no matrix product. The reference is torch.utils.flop_counter,
from which it is off by 2% at most (tested). Attention counts whole; kernels that skip the causal half do about half
of A. PEFT forms the update of experts as a matrix, once a step and for all of them: that is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsforge.cost.parameters import count_parameters, matrices
from dsforge.cost.setup import Setup
from dsforge.targets.profile import Model

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


def work_of(
    lengths: Sequence[int], limit: int | None = None, extra_forwards: float = 0.0, *, padded_to: int = 1
) -> Work:
    """The work of sequences, each cut at `limit` tokens.

    `padded_to` sequences that stand together are filled up to the longest of them, as a batch is; 1 where rows are
    packed, for then nothing is filled up, and attention stays within a row.
    """
    cut = [min(length, limit) if limit else length for length in lengths]
    if padded_to > 1:
        batches = (cut[start : start + padded_to] for start in range(0, len(cut), padded_to))
        cut = [max(batch) for batch in batches for _ in batch]
    return Work(sum(cut), sum(length * length for length in cut), extra_forwards)


def _forward(model: Model, work: Work, adapter: int) -> float:
    parameters = count_parameters(model)
    return 2.0 * (parameters.active + parameters.head + adapter) * work.tokens + _attention(model, work)


def _attention(model: Model, work: Work) -> float:
    latent = model.latent
    widths = latent.plain_dim + latent.rotary_dim + latent.value_dim if latent else 2 * model.head_dim
    return 2.0 * model.layers * model.heads * widths * work.squares


def _frozen_inputs(model: Model, work: Work) -> float:
    """The gradient of the first layer's inputs, which nothing needs where the embeddings are frozen."""
    if model.latent:
        outputs = (model.latent.query_rank or model.heads * (model.latent.plain_dim + model.latent.rotary_dim)) + (
            model.latent.key_value_rank + model.latent.rotary_dim
        )
    else:
        outputs = (model.heads + 2 * model.kv_heads) * model.head_dim
    return 2.0 * model.hidden_size * outputs * work.tokens


def _recomputed(model: Model, work: Work, setup: Setup) -> float:
    """The second forward pass; the product of a last matrix is needed by nothing but its own adapter."""
    skipped = sum(matrix.active * matrix.size for matrix in matrices(model) if matrix.last) if setup.is_full else 0
    weights = count_parameters(model).active - skipped + setup.active_adapter(model)
    return 2.0 * weights * work.tokens + _attention(model, work)


def training_flops(model: Model, setup: Setup, work: Work) -> float:
    """Floating-point operations of one epoch."""
    adapter = setup.active_adapter(model)
    forward = _forward(model, work, adapter)
    if setup.is_full:
        backward = 2 * forward
    else:
        backward = forward + _attention(model, work) + 2.0 * adapter * work.tokens
        backward -= 0 if setup.checkpointing else _frozen_inputs(model, work)
    recomputed = _recomputed(model, work, setup) if setup.checkpointing else 0.0
    return forward + backward + recomputed + work.extra_forwards * _forward(model, work, 0)


def training_hours(
    flops: float, tflops: float, count: int = 1, utilisation: tuple[float, float] = UTILISATION
) -> tuple[float, float]:
    """(fast, slow) hours of `flops` on `count` GPUs with a peak of `tflops` each, of which (low, high) is reached."""
    low, high = utilisation
    at_peak = flops / (tflops * 1e12 * count) / 3600
    return at_peak / high, at_peak / low
