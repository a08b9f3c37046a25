"""Many texts at once: the tokens are the tokenizer's own, and so are their places."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dsforge.tokens.batches import Batches, ahead

_TEXTS = [
    "", "Yes.", " two  spaces\n\n\tand tabs ", "<|im_start|>user\nHi<|im_end|>\n", "在桌子上。💡",
    "e\u0301 \u1e9b\u0323", "<|im_end|><|im_end|>", "caf\u00e9 \u200d\U0001f469\u200d\U0001f4bb", "x" * 300,
]  # fmt: skip


def _tokenizer(trim: bool = False, normalizer: Any = None) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    if trim:
        bpe.post_processor = processors.ByteLevel(trim_offsets=True)
    if normalizer is not None:
        bpe.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    bpe.train_from_iterator([*_TEXTS, "the other and the one"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe)


def _texts() -> list[str]:
    draw = random.Random(1)
    letters = [*"ab e\n.", "é", "在", "💡", "e\u0301", "<|im_end|>", "\u200d", "  "]
    return [*_TEXTS, *("".join(draw.choices(letters, k=draw.randint(1, 40))) for _ in range(200))]


@pytest.mark.parametrize("kind", ["plain", "trimmed", "normalised"])
def test_tokens_and_places_are_those_of_the_tokenizer(kind: str) -> None:
    from tokenizers import normalizers

    tokenizer = _tokenizer(kind == "trimmed", normalizers.NFC() if kind == "normalised" else None)
    batches = Batches(tokenizer)
    assert (batches._quick is None) == (kind == "trimmed")  # edges are not its own there: it is asked itself
    texts = _texts()
    expected = tokenizer(texts, add_special_tokens=False)
    for index, (text, (ids, token_at)) in enumerate(zip(texts, batches.tokens(texts), strict=True)):
        assert ids == expected["input_ids"][index]
        places = range(len(text) + 1)
        assert [token_at(at) for at in places] == [expected.char_to_token(index, at) for at in places], repr(text)
    assert (batches._quick is None) == (kind == "trimmed")  # and it never had to be given up


def test_a_reading_that_differs_is_not_taken() -> None:
    """The other tokenizer is another one: all texts are read by the tokenizer itself, and none is asked again."""
    import fastokens
    from tokenizers import normalizers

    tokenizer = _tokenizer()
    batches = Batches(tokenizer)
    other = _tokenizer(normalizer=normalizers.Lowercase())
    batches._quick = fastokens.Tokenizer.from_json_str(other.backend_tokenizer.to_str())
    texts = ["YES", "NO", "THE OTHER", "AND"]
    assert batches.ids(texts) == tokenizer(texts, add_special_tokens=False)["input_ids"]
    assert batches._quick is None


def test_batches_come_in_order_with_what_was_made_of_them() -> None:
    assert list(ahead(lambda batch: batch * 2, iter([1, 2, 3]))) == [(1, 2), (2, 4), (3, 6)]
    assert list(ahead(lambda batch: batch, iter([]))) == []
