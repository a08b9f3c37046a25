"""Memory of a training, by its parts, in GiB for each GPU: an estimate in closed form.

Assumed: BF16 weights, those of QLoRA's matrices in NF4 with double quantisation; full training with gradients and
both AdamW states in BF16, or (mixed) all of them in FP32 beside a BF16 copy of the weights, or (fp32, as on a CPU) all
of them and every activation in FP32; a LoRA adapter with
weights, gradients and states in FP32; attention that holds no scores (flash, memory-efficient); the language-model
head computed in tiles of 4,096 tokens by 32,768 words (as TRL does), or whole.

What is alive changes during a step, so its peak is the largest of three moments: the head, with all that the layers
keep; the backward pass of the last layer, and that of the first, when all gradients are there. The constants are
those of transformers' modules (RMSNorm in FP32, gated MLP) and PEFT's (inputs in FP32), found by traces of whole
steps on fake tensors, to which the tests hold the sum within 10%. Experts count as an MLP of the size that a token
passes, and PEFT's adapters on them form their matrices anew. QLoRA, sharding, the reference and mixed precision are
arithmetic over these and were not traced.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsforge.cost.parameters import Parameters, adapted, count_parameters, matrices
from dsforge.cost.setup import Setup
from dsforge.targets.profile import Model

GIB = 1 << 30
CONTEXT_GIB = 0.8
"""CUDA context and libraries: a prior."""
BAND = 0.20
"""Relative band of the estimate: it has not been measured on a GPU."""
USABLE = 0.95
"""The part of a GPU's memory that can be filled before fragments make it fail: a prior."""

_NF4_BYTES = 4.127 / 8
"""A weight in NF4 with its share of the constants, quantised twice (Dettmers and others 2023, QLoRA, section 3)."""
_TILE_TOKENS, _TILE_WORDS = 4096, 32768


@dataclass(frozen=True)
class Memory:
    """GiB on each GPU at the peak of a step, by what they are for.

    `reference` is the frozen copy that full training on preferences compares with, `gathered` what sharded weights
    take where they are put together to be used, or quantised ones where they are unpacked.
    """

    weights: float
    gradients: float
    optimizer: float
    adapter: float
    activations: float
    head: float
    reference: float = 0.0
    gathered: float = 0.0
    context: float = CONTEXT_GIB

    @property
    def total(self) -> float:
        """All of it."""
        return (
            self.weights + self.gradients + self.optimizer + self.adapter + self.activations + self.head
            + self.reference + self.gathered + self.context
        )  # fmt: skip


def _inner(model: Model) -> int:
    """The numbers of an MLP's inner state that a token has, in the widest layer."""
    experts = model.experts
    if experts is None:
        return model.intermediate_size
    chosen = experts.active * experts.intermediate_size + experts.shared_size
    return max(chosen, model.intermediate_size if experts.first_layer else 0)


def _widths(model: Model) -> tuple[int, int]:
    """Numbers of a token's queries, and of its keys (as many as of its values, or their mean)."""
    latent = model.latent
    if latent is None:
        return model.heads * model.head_dim, model.kv_heads * model.head_dim
    query = model.heads * (latent.plain_dim + latent.rotary_dim)
    return query, (query + model.heads * latent.value_dim) // 2


def _copies(model: Model) -> int:
    """Bytes of a token's states, in BF16, that go to experts and come back, one for each that it passes."""
    return 4 * model.hidden_size * model.experts.active if model.experts else 0


def _kept(model: Model, setup: Setup) -> float:
    """Bytes that a layer keeps of a token for its backward pass.

    Norms keep their input in FP32, and with trained weights its BF16 products; attention its queries, keys, values and
    output; the MLP its four inner states, of which a frozen `down` needs no input. An adapter keeps the input of its
    matrix in FP32, and its own inner state.
    """
    query, key = _widths(model)
    if setup.precision == "fp32":
        return _kept_wide(model, setup, query, key)
    if setup.is_full:
        normed = 6 * (query + key) if model.qk_norm else 0
        return _copies(model) + 8 * model.norms * model.hidden_size + 6 * query + 4 * key + 8 * _inner(model) + normed
    normed = 4 * (query + key) if model.qk_norm else 0
    plain = _copies(model) + 4 * model.norms * model.hidden_size + 4 * query + 4 * key + 6 * _inner(model)
    return (
        plain
        + normed
        + sum(
            4 * (matrix.inputs + matrix.ranks * setup.rank) * matrix.active / model.layers
            for matrix in adapted(model, setup.targets)
            if not matrix.expert
        )
    )


def _kept_wide(model: Model, setup: Setup, query: int, key: int) -> float:
    """The same with everything in FP32: a norm's input is no copy then, and matrices that read one state share it."""
    states = 2 * _copies(model) + 8 * (query + key)
    if setup.is_full:
        return states + 12 * model.norms * model.hidden_size + 16 * _inner(model) + 8 * (query + key) * model.qk_norm
    matrices_adapted = [matrix for matrix in adapted(model, setup.targets) if not matrix.expert]
    read = {(matrix.inputs, matrix.last): matrix.inputs for matrix in matrices_adapted}
    ranks = sum(matrix.ranks * setup.rank * matrix.active for matrix in matrices_adapted) / model.layers
    normed = 4 * (query + key) * model.qk_norm
    shared = 4 * sum(read.values()) + 4 * model.hidden_size * (len(matrices_adapted) > 1)
    return states + 4 * model.norms * model.hidden_size + 12 * _inner(model) + normed + shared + 4 * ranks


def _formed(model: Model, setup: Setup) -> float:
    """Bytes of a layer's experts with the update of their adapter added, which PEFT forms as BF16 matrices."""
    if setup.is_full:
        return 0.0
    experts = [matrix for matrix in adapted(model, setup.targets) if matrix.expert]
    return 2.0 * sum(matrix.number * matrix.size for matrix in experts) / model.layers


def _in_flight(model: Model, setup: Setup) -> float:
    """Bytes of a token that come and go in the backward pass of a layer: gradients of what it keeps."""
    if setup.precision == "fp32":
        return 16 * model.hidden_size + 8 * _inner(model)
    return (8 if setup.is_full else 16) * model.hidden_size + 4 * _inner(model)


def _head(model: Model, tokens: int, tiled: bool) -> float:
    """Bytes of the logits at their peak.

    Whole, in BF16 and in FP32 with their gradient; or a tile of them with its probabilities in FP32, and the hidden
    states' gradient.
    """
    if not tiled:
        return 12.0 * tokens * model.vocab_size
    tile = min(tokens, _TILE_TOKENS) * min(model.vocab_size, _TILE_WORDS)
    return float(tile * (4 + 4) + tokens * model.hidden_size * 4)


@dataclass(frozen=True)
class _Moment:
    """Bytes alive at a moment of the step: gradients of weights, activations, logits."""

    gradients: float
    activations: float
    head: float

    @property
    def total(self) -> float:
        return self.gradients + self.activations + self.head


def _moments(model: Model, setup: Setup, tokens: int, gradient: float, tiled: bool) -> list[_Moment]:
    """The moments of a step when the most may be alive, in their order.

    The gradient of a trained weight has `gradient` bytes. A tied table has two for a moment: the head's, and that of
    the embedding, which is added to it.
    """
    parameters, hidden = count_parameters(model), model.hidden_size * tokens
    kept, flight = _kept(model, setup) * tokens, _in_flight(model, setup) * tokens
    state = (4 if setup.precision == "fp32" else 2) * hidden
    formed = _formed(model, setup)
    between = model.layers * (state if setup.checkpointing else kept + formed)
    recomputed = kept + formed if setup.checkpointing else 0
    flight += formed / 3  # `down` is a third of them
    if not setup.is_full:
        gradient = 0
    table, all_layers = parameters.embedding, parameters.linear + parameters.other
    return [
        _Moment(0, between + 4 * state, _head(model, tokens, tiled)),
        _Moment(gradient * parameters.head, between + recomputed + flight, 0),
        _Moment(gradient * (parameters.head + all_layers), state + kept + flight, 0),
        _Moment(gradient * (parameters.head + all_layers + table), 2 * state, 0),
    ]


def _weight_bytes(parameters: Parameters, setup: Setup) -> float:
    if setup.method == "qlora":
        return _NF4_BYTES * parameters.linear + 2 * (parameters.total - parameters.linear)
    if setup.precision == "fp32":
        return 4 * parameters.total
    return (6 if setup.is_full and setup.precision == "mixed" else 2) * parameters.total


def _gathered(model: Model, setup: Setup, weights_shared: int) -> float:
    """Bytes of weights that are whole for a moment: two layers of sharded ones, the matrix in use of quantised ones."""
    parameters, per_weight = count_parameters(model), _weight_bytes(count_parameters(model), setup)
    whole = 2 * max(matrix.size for matrix in matrices(model)) if setup.method == "qlora" else 0
    if weights_shared == 1:
        return whole
    return whole + 2 * per_weight * (parameters.linear / parameters.total) / model.layers


def training_memory(
    model: Model, setup: Setup, max_tokens: int, *, batch_size: int = 1, gpus: int = 1, reference: bool = False,
    tiled_head: bool = True, context: float = CONTEXT_GIB,
) -> Memory:  # fmt: skip
    """The memory of training with rows of `max_tokens`, `batch_size` rows at a time on each GPU.

    `reference`: preferences are trained, which full training compares with a frozen copy of the model. `context` are
    the GiB of the GPU's libraries.
    """
    parameters, adapter, wide = count_parameters(model), setup.adapter(model), setup.precision != "bf16"
    shared = {"none": 0, "zero1": 1, "zero2": 2}.get(setup.sharding, 3)
    states_shared, gradients_shared, weights_shared = (gpus if shared >= level else 1 for level in (1, 2, 3))
    moments = _moments(model, setup, max_tokens * batch_size, (4 if wide else 2) / gradients_shared, tiled_head)
    peak = max(moments, key=lambda moment: moment.total)
    weights = _weight_bytes(parameters, setup)
    return Memory(
        weights=weights / weights_shared / GIB,
        gradients=peak.gradients / GIB,
        optimizer=(8 if wide else 4) * parameters.total / states_shared / GIB if setup.is_full else 0.0,
        adapter=adapter * (4 / weights_shared + 4 / gradients_shared + 8 / states_shared) / GIB,
        activations=peak.activations / GIB,
        head=peak.head / GIB,
        reference=(4 if wide else 2) * parameters.total / weights_shared / GIB if reference and setup.is_full else 0.0,
        gathered=_gathered(model, setup, weights_shared) / GIB,
        context=context,
    )
