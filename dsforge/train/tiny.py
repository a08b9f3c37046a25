"""The smoke model: Qwen3's architecture in a few million random weights, a tokenizer trained on the rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from dsforge.errors import InputError
from dsforge.formats.read import read_examples
from dsforge.tokens.template import chatml_template
from dsforge.train.config import DataConfig, TinyModel

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_NAMED = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
_MARKS = ("<tool_call>\n", "\n</tool_call>", "<think>\n", "\n</think>\n\n", "system\nuser\nassistant\n")
_ENOUGH_TEXT = 4_000_000  # characters; more only costs time


def _texts(data: DataConfig) -> Iterator[str]:
    total = 0
    yield from _MARKS
    rows = (islice(read_examples(path, data.format), data.limit) for path in data.paths)
    for _, example in chain.from_iterable(rows):
        for message in example.all_messages():
            for text in (message.text, message.reasoning or ""):
                total += len(text)
                if text:
                    yield text
        if total > _ENOUGH_TEXT:
            return


def build_tokenizer(model: TinyModel, data: DataConfig, folder: Path) -> None:
    """Train a byte-level BPE on the rows of `data` and save it to `folder`, with our ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=model.vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    try:
        bpe.train_from_iterator(_texts(data), trainer)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{', '.join(data.paths)} holds lone surrogates, which no tokenizer can read: dsforge lint finds them"
        ) from error
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        **_NAMED,
        additional_special_tokens=["<|im_start|>"],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chatml_template()
    tokenizer.save_pretrained(folder)


def build_model(model: TinyModel, tokenizer: Any, folder: Path) -> None:
    """Save a Qwen3 model with random weights for `tokenizer` to `folder`; seed the generator first."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=model.width,
        intermediate_size=model.width * 2,
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        num_key_value_heads=max(1, model.heads // 2),
        head_dim=max(16, model.width // model.heads),
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
