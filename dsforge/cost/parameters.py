"""Parameters of a decoder, from the geometry in its config.json; equal to transformers' own count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from dsforge.errors import UsageError, did_you_mean
from dsforge.targets.profile import Experts, LatentAttention, Model, Part


@dataclass(frozen=True)
class Matrix:
    """A kind of matrix of the layers: `number` of them in the model, of which a token passes `active`.

    `ranks` is how often a LoRA adapter on it has its rank: 2 where gate and up of the experts are one tensor,
    0 where PEFT puts none on it. `last` says that nothing of the layer comes after it but sums, `expert` that it is one
    of several of which a token passes some.
    """

    module: str
    inputs: int
    outputs: int
    number: int
    active: int
    ranks: int = 1
    last: bool = False
    expert: bool = False

    @property
    def size(self) -> int:
        """The weights of one."""
        return self.inputs * self.outputs

    def adapter(self, rank: int) -> int:
        """The parameters of a LoRA adapter on one."""
        return self.ranks * rank * (self.inputs + self.outputs)


@dataclass(frozen=True)
class Parameters:
    """Parameters by where they lie. `linear` are the weights of all layers' matrices (no biases).

    `active` are those of them that a token passes: all, but for experts. `head` is the output projection's
    size; a tied head is the embedding and not counted again in `total`.
    """

    linear: int
    active: int
    embedding: int
    head: int
    other: int
    tied: bool

    @property
    def total(self) -> int:
        """All parameters, as `model.num_parameters()` counts them."""
        return self.linear + self.embedding + (0 if self.tied else self.head) + self.other


_Shape = tuple[str, int, int]


def _fused(model: Model, parts: Sequence[tuple[Part, int, int]]) -> Iterator[_Shape]:
    """(module, inputs, outputs); parts that go by one name are one matrix with the outputs of all."""
    named = [(model.modules.get(part, f"{part}_proj"), inputs, outputs) for part, inputs, outputs in parts]
    for module, same in groupby(named, key=lambda shape: shape[0]):
        shapes = list(same)
        yield module, shapes[0][1], sum(outputs for _, _, outputs in shapes)


def _attention(model: Model) -> list[_Shape]:
    hidden, query, key = model.hidden_size, model.heads * model.head_dim, model.kv_heads * model.head_dim
    if model.latent is None:
        return list(_fused(model, [("q", hidden, query), ("k", hidden, key), ("v", hidden, key), ("o", query, hidden)]))
    return _latent(model, model.latent)


def _latent(model: Model, latent: LatentAttention) -> list[_Shape]:
    """The matrices of multi-head latent attention, by the names they have in transformers (DeepSeek V2 and V3)."""
    hidden, heads = model.hidden_size, model.heads
    query = heads * (latent.plain_dim + latent.rotary_dim)
    queries = (
        [("q_a_proj", hidden, latent.query_rank), ("q_b_proj", latent.query_rank, query)]
        if latent.query_rank
        else [("q_proj", hidden, query)]
    )
    return [
        *queries,
        ("kv_a_proj_with_mqa", hidden, latent.key_value_rank + latent.rotary_dim),
        ("kv_b_proj", latent.key_value_rank, heads * (latent.plain_dim + latent.value_dim)),
        ("o_proj", heads * latent.value_dim, hidden),
    ]


def _mlp(model: Model, inner: int, layers: int) -> list[Matrix]:
    """The MLPs of `layers`. PEFT 0.21 adapts none of them in a model that has experts as well."""
    hidden, ranks = model.hidden_size, 0 if model.experts else 1
    *first, last = _fused(model, [("gate", hidden, inner), ("up", hidden, inner), ("down", inner, hidden)])
    return [
        *(Matrix(*shape, layers, layers, ranks) for shape in first), Matrix(*last, layers, layers, ranks, last=True)
    ]  # fmt: skip


def _expert_matrices(model: Model, experts: Experts) -> Iterator[Matrix]:
    """Router and experts, as transformers holds them: two tensors for all experts of a layer.

    PEFT adapts the experts by way of those tensors.
    """
    hidden, inner = model.hidden_size, experts.intermediate_size
    layers = model.layers - experts.first_layer
    every, passed = layers * experts.number, layers * experts.active
    yield Matrix("gate", hidden, experts.number, layers, layers)
    yield Matrix("gate_up_proj", hidden, 2 * inner, every, passed, ranks=2, expert=True)
    yield Matrix("down_proj", inner, hidden, every, passed, expert=True)
    if experts.shared_size:
        yield from _mlp(model, experts.shared_size, layers)
    if experts.shared_gate:
        yield Matrix("shared_expert_gate", hidden, 1, layers, layers)


def matrices(model: Model) -> list[Matrix]:
    """All matrices of the layers."""
    found = [Matrix(*shape, model.layers, model.layers) for shape in _attention(model)]
    if plain := model.experts.first_layer if model.experts else model.layers:
        found += _mlp(model, model.intermediate_size, plain)
    return found + list(_expert_matrices(model, model.experts) if model.experts else ())


def _other(model: Model) -> int:
    """Biases and the weights of norms in one layer."""
    query, key = model.heads * model.head_dim, model.kv_heads * model.head_dim
    numbers = model.norms * model.hidden_size
    numbers += query + 2 * key if model.qkv_bias else 0
    numbers += model.hidden_size if model.o_bias else 0
    numbers += 2 * model.intermediate_size + model.hidden_size if model.mlp_bias else 0
    numbers += 2 * model.head_dim if model.qk_norm else 0
    if model.latent:
        numbers += model.latent.key_value_rank + (model.latent.query_rank or 0)
    return numbers


def count_parameters(model: Model) -> Parameters:
    """The parameters of a model."""
    found = matrices(model)
    table = model.vocab_size * model.hidden_size
    return Parameters(
        linear=sum(matrix.number * matrix.size for matrix in found),
        active=sum(matrix.active * matrix.size for matrix in found),
        embedding=table,
        head=table,
        other=model.layers * _other(model) + model.hidden_size,
        tied=model.tied_embeddings,
    )


def adapted(model: Model, targets: Sequence[str] = ()) -> list[Matrix]:
    """The matrices that a LoRA adapter is put on: all of the layers (PEFT's `all-linear`), or those named.

    Raises:
        UsageError: the model has no matrix of a name.
    """
    found = [matrix for matrix in matrices(model) if matrix.ranks]
    names = {matrix.module for matrix in found}
    for name in targets:
        if name not in names:
            raise UsageError(f"{model.name} has no matrix {name!r} to adapt{did_you_mean(name, names)}")
    return [matrix for matrix in found if not targets or matrix.module in targets]


def count_adapter(model: Model, rank: int, targets: Sequence[str] = ()) -> int:
    """Parameters of a LoRA adapter, as PEFT counts them."""
    return sum(matrix.number * matrix.adapter(rank) for matrix in adapted(model, targets))


def active_adapter(model: Model, rank: int, targets: Sequence[str] = ()) -> int:
    """Those of the adapter's parameters that a token passes."""
    return sum(matrix.active * matrix.adapter(rank) for matrix in adapted(model, targets))
