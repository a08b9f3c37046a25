"""Supervised fine-tuning: the assistant's words are trained, by TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.tokens.answers import Drawn, Sequence
from dsforge.tokens.template import ChatTemplate, Rendered
from dsforge.train.config import TrainConfig
from dsforge.train.recipe import Recipe, Trainer
from dsforge.train.token_rows import TokenRows


def _accept(example: Example) -> None:
    if example.is_preference:
        raise RowError("a preference pair (chosen and rejected); method=sft trains conversations", "", "X902")
    if example.label is False:
        raise RowError("a KTO row labelled as bad (label false); method=sft would train it as good", "/label", "X902")


def _render(template: ChatTemplate, example: Example) -> Rendered:
    return template.render(example)


def _encode(template: ChatTemplate, rendered: Iterable[Rendered]) -> Iterator[Drawn]:
    return (Drawn([Sequence(encoded)]) for encoded in template.encode(rendered))


def _dataset(rows: TokenRows, config: TrainConfig) -> Any:
    return rows.dataset()


RECIPE = Recipe(
    name="sft",
    summary="supervised fine-tuning: loss on the assistant's words",
    trainer=Trainer(
        "SFT",
        fixed={"dataset_kwargs": {"skip_prepare_dataset": True}},
        set_elsewhere={
            "assistant_only_loss": "the chat template's generation marks",
            "completion_only_loss": "the chat template's generation marks",
            "dataset_kwargs": "data",
            "dataset_text_field": "data.format",
        },
        takes_tokens=True,
    ),
    accept=_accept,
    render=_render,
    encode=_encode,
    dataset=_dataset,
    marks=True,
    groups=True,
    packs=True,
)
