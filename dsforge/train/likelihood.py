"""How likely a model holds the answers of rows: a forward pass over each, without gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from dsforge.tokens.template import IGNORED
from dsforge.train.held_out import HeldSequence
from dsforge.train.speak import undisturbed

_TOKENS_AT_ONCE = 2048
"""Tokens of a batch, padding among them: each has a number for every word of the vocabulary."""


class Likelihood(NamedTuple):
    """Of a sequence's trained tokens: the sum of -log p, how many the model holds likeliest, how many there are."""

    nats: float
    hits: int
    tokens: int


def likelihoods(model: Any, sequences: Sequence[HeldSequence], pad: int) -> list[Likelihood]:
    """Those of each sequence, in order."""
    found = [Likelihood(0.0, 0, 0)] * len(sequences)
    with undisturbed(model):
        for batch in _batches(sequences):
            for index, one in zip(batch, _of_batch(model, [sequences[at] for at in batch], pad), strict=True):
                found[index] = one
    return found


def rewards(model: Any, sequences: Sequence[HeldSequence], pad: int) -> list[float]:
    """The score that a reward model gives each sequence."""
    found = [0.0] * len(sequences)
    with undisturbed(model):
        for batch in _batches(sequences):
            ids, mask = _padded(model, [sequences[at].ids for at in batch], pad)
            scores = model(input_ids=ids, attention_mask=mask).logits[:, 0].float().tolist()
            for index, score in zip(batch, scores, strict=True):
                found[index] = score
    return found


def _batches(sequences: Sequence[HeldSequence]) -> Iterator[list[int]]:
    """Places of sequences of like length, so many that they fit at once."""
    order = sorted(range(len(sequences)), key=lambda at: -len(sequences[at].ids))
    while order:
        size = max(1, _TOKENS_AT_ONCE // max(1, len(sequences[order[0]].ids)))
        yield order[:size]
        order = order[size:]


def _padded(model: Any, rows: Iterable[list[int]], pad: int) -> tuple[Any, Any]:
    import torch

    rows = list(rows)
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=model.device)
    return ids, mask


def _of_batch(model: Any, sequences: list[HeldSequence], pad: int) -> Iterator[Likelihood]:
    import torch

    ids, mask = _padded(model, (one.ids for one in sequences), pad)
    logits = model(input_ids=ids, attention_mask=mask).logits
    logits = logits[:, -ids.shape[1] :]  # prompt tuning puts virtual tokens before
    for row, one in zip(logits, sequences, strict=True):
        labels = torch.tensor(one.labels[1:], device=model.device)  # a token is told by what stands before it
        trained = labels != IGNORED
        told, wanted = row[: len(one.ids) - 1][trained].float(), labels[trained]
        nats = torch.nn.functional.cross_entropy(told, wanted, reduction="sum").item() if len(wanted) else 0.0
        yield Likelihood(nats, int((told.argmax(-1) == wanted).sum()), len(wanted))
