"""Parameters of a dense decoder, from the geometry in its config.json; equal to transformers' own count."""

from __future__ import annotations

from dataclasses import dataclass

from dsforge.targets.profile import Model


@dataclass(frozen=True)
class Parameters:
    """Parameters by where they lie. `linear` are the weights of all layers' matrices (no biases).

    `head` is the output projection's size; a tied head is the embedding and not counted again in `total`.
    """

    linear: int
    embedding: int
    head: int
    other: int
    tied: bool

    @property
    def total(self) -> int:
        """All parameters, as `model.num_parameters()` counts them."""
        return self.linear + self.embedding + (0 if self.tied else self.head) + self.other


def projections(model: Model) -> tuple[tuple[int, int], ...]:
    """(inputs, outputs) of one layer's matrices: q, k, v, o, gate, up, down."""
    hidden, query, key = model.hidden_size, model.heads * model.head_dim, model.kv_heads * model.head_dim
    inner = model.intermediate_size
    return (
        (hidden, query), (hidden, key), (hidden, key), (query, hidden),
        (hidden, inner), (hidden, inner), (inner, hidden),
    )  # fmt: skip


def count_parameters(model: Model) -> Parameters:
    """The parameters of a model."""
    layer = sum(inputs * outputs for inputs, outputs in projections(model))
    biases = (model.heads + 2 * model.kv_heads) * model.head_dim if model.qkv_bias else 0
    norms = 2 * model.hidden_size + (2 * model.head_dim if model.qk_norm else 0)
    table = model.vocab_size * model.hidden_size
    other = model.layers * (biases + norms) + model.hidden_size
    return Parameters(model.layers * layer, table, table, other, model.tied_embeddings)


def count_adapter(model: Model, rank: int) -> int:
    """Parameters of a LoRA adapter on every matrix of the layers (PEFT's `all-linear`)."""
    return model.layers * rank * sum(inputs + outputs for inputs, outputs in projections(model))
