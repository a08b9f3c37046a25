"""ORPO: chosen answers are trained and preferred, with no reference model, by TRL's experimental ORPOTrainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from dsforge.tokens.answers import Answers, Drawn, Sequence, encode_answers
from dsforge.tokens.template import IGNORED, ChatTemplate, Encoded
from dsforge.train.config import TrainConfig
from dsforge.train.pairs import accept_pair, pair_lengths, render_pair
from dsforge.train.recipe import Recipe, Trainer
from dsforge.train.token_rows import Lists, TokenRows, dataset_of


def _encode(template: ChatTemplate, rows: Iterable[Answers]) -> Iterator[Drawn]:
    """As TRL does it: every sequence begins with the tokenizer's first token, if it has one, and ends with its end."""
    first, end = template.tokenizer.bos_token_id, template.tokenizer.eos_token_id

    def bounded(sequence: Sequence) -> Sequence:
        ids, labels = sequence.encoded.input_ids, sequence.encoded.labels
        if first is not None and ids[:1] != [first]:
            ids, labels = [first, *ids], [IGNORED, *labels]
        if ids[-1:] != [end]:
            ids, labels = [*ids, end], [*labels, end]
        return replace(sequence, encoded=Encoded(sequence.encoded.rendered, ids, labels))

    for drawn in encode_answers(template, rows):
        yield replace(drawn, sequences=[bounded(sequence) for sequence in drawn.sequences])


def _dataset(rows: TokenRows, config: TrainConfig) -> Any:
    columns: dict[str, Lists] = {}
    for pair in rows.rows():
        for name, (ids, labels) in zip(("chosen", "rejected"), pair, strict=True):
            for kind, values in (("input_ids", ids), ("attention_mask", [1] * len(ids)), ("labels", labels)):
                columns.setdefault(f"{name}_{kind}", Lists()).append(values)
    return dataset_of({**columns, "length": pair_lengths(rows)})


def _cautions(config: TrainConfig, rows: TokenRows) -> list[str]:
    return ["beside the marked parts ORPO trains the prompt of the chosen answer, as TRL has it"]


RECIPE = Recipe(
    name="orpo",
    summary="odds ratio preference optimization: trains chosen answers and prefers them, without a reference model",
    trainer=Trainer(
        "ORPO",
        module="trl.experimental.orpo",
        fixed={"remove_unused_columns": False},
        set_elsewhere={
            "max_completion_length": "trl.max_length",
            "padding_value": "the tokenizer",
            "is_encoder_decoder": "the model",
            "remove_unused_columns": "dsforge, which hands TRL no other columns",
        },
    ),
    accept=accept_pair,
    render=render_pair,
    encode=_encode,
    dataset=_dataset,
    cautions=_cautions,
    sequences=2,
    groups=True,
)
