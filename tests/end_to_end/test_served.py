"""A model that was trained here is served by transformers, and writes rows: the real server, over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.train.small import config, lamp_rows, run, write_rows

SECONDS_TO_START = 120


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that learnt one answer by heart."""
    folder = tmp_path_factory.mktemp("model")
    data = write_rows(folder / "rows.jsonl", lamp_rows(24))
    manifest, _ = run(config(data, folder, "peft=full", "trl.num_train_epochs=8", "trl.learning_rate=1e-2"))
    return Path(manifest.saved)


@pytest.fixture(scope="module")
def base_url(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    log = tmp_path_factory.mktemp("served") / "log"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(model), "--port", str(port),
               "--host", "127.0.0.1", "--device", "cpu"]  # fmt: skip
    with log.open("wb") as told:
        server = subprocess.Popen(
            command,
            stdout=told,
            stderr=told,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-2000:]}")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_written_judged_and_paid_for_once(base_url: str, model: Path, tmp_path: Path) -> None:
    seeds = write_rows(tmp_path / "seeds.jsonl", lamp_rows(6))

    def augment(method: str, *options: object) -> dict[str, Any]:
        done = dsforge(
            "augment", seeds, "--method", method, "--model", model, "--base-url", base_url, "--max-tokens", 40,
            "--temperature", 0, "-o", tmp_path / f"{method}.jsonl", "--price-in", "1USD", "--price-out", "2USD",
            "--json", *options, folder=tmp_path, OPENAI_API_KEY="none",
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return as_json(done)

    answered = augment("answer", "--budget", "1USD")
    assert answered["requests"] == 6
    assert answered["rows_generated"] == answered["rows_kept"] + sum(answered["dropped"].values()) == 6
    assert 0 < answered["completion_tokens"] <= 6 * 40
    assert answered["prompt_tokens"] > 6 * 100
    cost = (answered["prompt_tokens"] + 2 * answered["completion_tokens"]) / 1e6
    assert answered["spent"] == pytest.approx(cost)
    again = augment("answer", "--budget", "1USD")
    assert (again["requests"], again["from_journal"], again["rows_kept"]) == (0, 6, answered["rows_kept"])
    for row in _rows(tmp_path / "answer.jsonl"):
        assert row["messages"][0]["content"].startswith("Lamp ")
        assert row["messages"][-1]["content"]
        assert row["provenance"]["request"]
        assert row["provenance"]["time"].startswith("20")

    judged = augment("judge")  # it has learnt one sentence, and writes no JSON: the rows stay as they are
    assert (judged["rows_out"], judged["rows_kept"], judged["rows_unchanged"]) == (6, 0, 6)
    assert sum(judged["dropped"].values()) == 6
    assert _rows(tmp_path / "judge.jsonl") == lamp_rows(6)

    # the candidates are asked for by the conversation itself, which the model knows the answer to
    preferred = augment("preference", "--rows", 1, "--candidates", 2)
    assert preferred["requests"] == 2
    assert preferred["dropped"] == {"all candidates are the same": 1}
    (reject,) = _rows(tmp_path / "preference.rejects.jsonl")
    assert "in stock" in reject["raw"]


def test_a_model_that_is_not_served_is_told(base_url: str, tmp_path: Path) -> None:
    seeds = write_rows(tmp_path / "seeds.jsonl", lamp_rows(1))
    done = dsforge("augment", seeds, "--method", "answer", "--model", "none/such", "--base-url", f"{base_url}/nowhere",
                   "-o", tmp_path / "out.jsonl", OPENAI_API_KEY="none")  # fmt: skip
    assert_one_line_error(done, "no such address")
