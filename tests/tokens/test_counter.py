"""Counts equal those of the tokenizer that is named; where none can be had, that is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.errors import InputError, MissingExtraError, UsageError
from dsforge.example import Example, Media, Message, Text, ToolCall
from dsforge.formats.read import read_examples
from dsforge.tokens.approximate import ERROR, approximate_count
from dsforge.tokens.counter import Counter, get_counter
from dsforge.tokens.rows import count_example, count_examples
from tests.shared_data import SHARED, real_files

CACHE = SHARED / "tiktoken_cache"

BILINGUAL = [
    "My parcel has not arrived. The order number is 20394, placed on 3 March; could you look into it?",
    "Thank you for writing. I have asked the carrier, and the parcel will be with you by Thursday.\n\n- Team",
    "请问我的订单什么时候发货?我已经等了三天了,客服电话一直打不通。",
    "非常抱歉给您带来不便。您的包裹已经在路上,预计明天下午送达,请保持电话畅通。",
    "def total(prices):\n    return sum(price * 1.13 for price in prices if price > 0)\n",
    '{"name": "get_order", "arguments": {"order_id": "A-2041", "fields": ["status", "eta"]}}',
]
BILINGUAL_O200K = 157  # the sum of tiktoken 0.14's o200k_base over BILINGUAL


def words(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


WORDS = Counter("words", False, words)  # type: ignore[arg-type]


def _in_a_fresh_process(code: str, cache: Path) -> tuple[str, float]:
    """What `code` prints, in a process with tiktoken's cache at `cache` and no proxy."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, "TIKTOKEN_CACHE_DIR": str(cache)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, time.perf_counter() - start


@pytest.fixture
def o200k(monkeypatch: pytest.MonkeyPatch) -> Counter:
    if not os.environ.get("TIKTOKEN_CACHE_DIR") and CACHE.exists():
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(CACHE))
    get_counter.cache_clear()
    counter = get_counter("o200k_base")
    get_counter.cache_clear()
    if not counter.exact:
        pytest.skip(counter.note)
    return counter


def test_equals_tiktoken_on_real_files(o200k: Counter) -> None:
    import tiktoken

    encoding = tiktoken.get_encoding("o200k_base")
    texts = [text for path in real_files() for _, example in read_examples(path)
             for message in example.messages if (text := message.text)] or BILINGUAL  # fmt: skip
    assert o200k.count_many(texts) == [len(tokens) for tokens in encoding.encode_ordinary_batch(texts)]


def test_special_tokens_in_data_are_text(o200k: Counter) -> None:
    assert o200k.count("<|endoftext|>") > 1
    assert o200k.count("a<|endofprompt|>b") > 3


def test_lone_surrogates_and_repeats_are_counted(o200k: Counter) -> None:
    assert o200k.count("\ud800") >= 1
    assert o200k.count_many(["a", "b b", "a"]) == [1, 2, 1]
    assert o200k.count("") == 0


def test_approximation_keeps_its_stated_error_on_own_bilingual_data() -> None:
    approximate = get_counter("approximate")
    total = sum(approximate.count_many(BILINGUAL))
    assert abs(total / BILINGUAL_O200K - 1) <= ERROR
    assert not approximate.exact
    assert approximate.error == ERROR
    assert "approximation" in approximate.note


def test_the_own_data_is_what_tiktoken_says(o200k: Counter) -> None:
    assert sum(o200k.count_many(BILINGUAL)) == BILINGUAL_O200K


def test_approximation_keeps_its_stated_error_on_real_files(o200k: Counter) -> None:
    if not real_files():
        pytest.skip("the public datasets are not here")
    approximate = get_counter("approximate")
    for path in real_files():
        examples = [example for _, example in read_examples(path)]
        exact = sum(row.total for row in count_examples(examples, o200k))
        about = sum(row.total for row in count_examples(examples, approximate))
        assert abs(about / exact - 1) <= ERROR, path.name


@given(st.text())
def test_approximation_counts_any_text(text: str) -> None:
    assert (approximate_count(text) == 0) == (text == "")
    assert approximate_count(text) <= 2 * len(text) + 1


def test_no_network_is_said_and_does_not_hang(tmp_path: Path) -> None:
    printed, seconds = _in_a_fresh_process(
        "import socket\n"
        "def closed(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = closed\n"
        "from dsforge.tokens.counter import get_counter\n"
        "c = get_counter('o200k_base'); print(c.name, c.exact, c.note)",
        tmp_path,
    )
    assert printed.startswith("approximate False the encoding o200k_base is not in tiktoken's cache")
    assert seconds < 20


def test_a_download_that_never_ends_is_left_behind(tmp_path: Path) -> None:
    printed, seconds = _in_a_fresh_process(
        "import socket, time\n"
        "socket.getaddrinfo = lambda *_, **__: time.sleep(300)\n"
        "import dsforge.tokens.counter as counter\n"
        "counter.DOWNLOAD_SECONDS = 1.0\n"
        "c = counter.get_counter('o200k_base'); print(c.name, c.note)",
        tmp_path,
    )
    assert "did not come within 1 s" in printed
    assert seconds < 20


def _tokenizer_json(folder: Path) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"[UNK]": 0, "hello": 1, "world": 2}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|im_end|>"])
    tokenizer.enable_truncation(2)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_a_local_tokenizer_by_file_and_by_folder(tmp_path: Path) -> None:
    file = _tokenizer_json(tmp_path)
    for name in (str(file), str(tmp_path)):
        counter = get_counter(name)
        assert counter.exact
        assert counter.count_many(["hello world hello", "hello"]) == [3, 1]  # its truncation is off
        assert counter.count("hello<|im_end|>") > 2  # special tokens in a text are text


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'o200k_base'"):
        get_counter("o200k_bas")
    with pytest.raises(UsageError, match="does not exist"):
        get_counter("missing/tokenizer.json")
    with pytest.raises(InputError, match="holds no tokenizer"):
        get_counter(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(InputError, match="is no tokenizer"):
        get_counter(str(tmp_path))


def test_qwen_counts_with_dashscope_or_says_what_to_install() -> None:
    try:
        from dashscope.tokenizers import get_tokenizer
    except ModuleNotFoundError:
        with pytest.raises(MissingExtraError, match="pip install dashscope"):
            get_counter("qwen")
        return
    expected = len(get_tokenizer("qwen-turbo").encode(BILINGUAL[2]))
    assert get_counter("qwen").count(BILINGUAL[2]) == expected
    assert get_counter("qwen").count("<|im_end|>") > 1


def _row(example: Example) -> tuple[int, int, int, int]:
    row = count_example(example, WORDS)
    return row.total, row.trained, row.shared, row.longest


def test_trained_are_the_assistants_messages_with_weight() -> None:
    messages = [
        Message("system", "be kind"),
        Message("user", "one two three"),
        Message("assistant", "no not this", weight=0.0),
        Message("user", "again"),
        Message("assistant", "yes this one here", reasoning="let me think"),
    ]
    assert _row(Example(messages)) == (2 + 3 + 3 + 1 + 4 + 3, 7, 0, 16)


def test_tool_calls_and_definitions_count_as_json() -> None:
    call = ToolCall("find", {"q": "a b"})
    example = Example(
        [Message("user", "go"), Message("assistant", None, tool_calls=[call])], tools=[{"type": "function"}]
    )
    call_words = len(json.dumps({"name": "find", "arguments": {"q": "a b"}}).split())
    assert _row(example) == (1 + call_words + 2, call_words, 0, 1 + call_words + 2)


def test_a_pair_counts_its_prompt_with_both_answers() -> None:
    prompt = [Message("user", "q one"), Message("assistant", "a"), Message("user", "q two")]
    example = Example(prompt, chosen=[Message("assistant", "good good good")], rejected=[Message("assistant", "bad")])
    row = count_example(example, WORDS)
    assert (row.total, row.trained, row.shared, row.longest) == (5 + 3 + 5 + 1, 4, 5, 8)
    assert (row.messages, row.pair) == (8, True)


def test_images_and_names_are_noted() -> None:
    parts = [Text("look here"), Media("image", "a.png"), Media("image", "b.png")]
    row = count_example(Example([Message("user", parts, name="ann"), Message("assistant", "fine")]), WORDS)
    assert (row.total, row.images, row.names, row.messages) == (4, 2, 1, 2)


def test_counting_together_or_one_by_one_is_the_same() -> None:
    examples = [
        Example([Message("user", "a b"), Message("assistant", "c")]),
        Example([Message("user", "a b")], chosen=[Message("assistant", "d e")], rejected=[Message("assistant", "f")]),
        Example([Message("user", "x", name="bob"), Message("assistant", "y", reasoning="z z")], label=True),
    ]
    assert count_examples(examples, WORDS) == [count_example(example, WORDS) for example in examples]
