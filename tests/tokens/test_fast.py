"""fastokens counts as the tokenizer does that it stands in for."""

import random
from pathlib import Path
from typing import Any

import pytest

from dsforge.tokens import fast
from dsforge.tokens.counter import get_counter
from dsforge.tokens.fast import Hastened
from tests.shared_data import real_files

fastokens = pytest.importorskip("fastokens", reason="fastokens is not installed: pip install 'dsforge[fast]'")

ODD = ["", " ", "\0", "<|endoftext|> and <|im_end|>", "\ud83d alone", "a" * 5000, " " * 3000, "你好" * 800, "\r\n\t\n",
       "👩‍👩‍👧‍👦 e\u0301 ﬁ", "x" * 30 + "\n" * 40]  # fmt: skip


def texts() -> list[str]:
    rng = random.Random(3)
    alphabets = ["abc de", "你好吗世界 a", "def f(x):\n  return 1", "😀é字x\0", "0123456789,.-"]
    made_up = ["".join(rng.choices(rng.choice(alphabets), k=rng.randint(1, 300))) for _ in range(500)]
    return [*ODD, *made_up, *(line for path in real_files()[:3] for line in path.read_text("utf-8").split("\n"))]


def test_as_many_tokens_as_tiktoken(monkeypatch: pytest.MonkeyPatch) -> None:
    get_counter.cache_clear()
    counter = get_counter("o200k_base")
    if not counter.exact:
        pytest.skip("the encoding is not in tiktoken's cache")
    assert isinstance(counter.encode_lengths, Hastened)
    slow = counter.count_many(texts())
    get_counter.cache_clear()
    monkeypatch.setattr(fast, "WORTH_IT", 1)
    hastened = get_counter("o200k_base")
    assert hastened.count_many(texts()) == slow
    assert hastened.encode_lengths._count.__module__ == "dsforge.tokens.fast"  # type: ignore[attr-defined]
    get_counter.cache_clear()


def test_as_many_tokens_as_a_tokenizer_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizers: Any = pytest.importorskip("tokenizers", reason="the train extra is not installed")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<|endoftext|>", "<|im_end|>"]
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=900, special_tokens=special, initial_alphabet=alphabet)
    wanted = [text for text in texts() if text.isprintable() or "\ud83d" not in text]
    bpe.train_from_iterator(wanted, trainer)
    bpe.save(str(tmp_path / "tokenizer.json"))
    counts = []
    for worth_it in (fast.WORTH_IT, 1):
        monkeypatch.setattr(fast, "WORTH_IT", worth_it)
        get_counter.cache_clear()
        counts.append(get_counter(str(tmp_path / "tokenizer.json")).count_many(wanted))
    get_counter.cache_clear()
    assert counts[0] == counts[1]
