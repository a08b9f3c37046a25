"""`dsforge cost` from the outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROW = {"messages": [{"role": "user", "content": "hello there"}, {"role": "assistant", "content": "good day to you"}]}
PAIR = {"messages": ROW["messages"][:1], "chosen": {"role": "assistant", "content": "good"},
        "rejected": {"role": "assistant", "content": "bad"}}  # fmt: skip

TOKENS = {"total", "trained", "max_row", "tokenizer", "exact"}
QUOTE = {"target", "model", "method", "tokens_billed", "epochs", "amount", "currency", "formula", "source", "as_of"}
HARDWARE = {"gpu", "count", "method", "memory_gib", "fits", "hours", "amount", "currency"}


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dsforge", "cost", *arguments], input=stdin, capture_output=True, text=True,
        timeout=60, check=False, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(ROW) + "\n" for _ in range(20)))
    return str(path)


def test_json_has_the_documented_keys(rows: str) -> None:
    done = run(rows, "--tokenizer", "approximate", "--json", "--price", "zhipu.glm-4-9b=0.02")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"command", "rows_in", "rows_out", "rows_rejected", "seconds"} <= set(result)
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (20, 20, 0)
    assert set(result["tokens"]) >= TOKENS
    assert result["tokens"]["exact"] is False
    assert {quote["target"] for quote in result["quotes"]} == {"zhipu", "bailian", "bailian-intl", "openai"}
    for quote in result["quotes"]:
        assert set(quote) >= QUOTE
    for quote in result["hardware"]:
        assert set(quote) >= HARDWARE
    zhipu = next(quote for quote in result["quotes"] if quote["target"] == "zhipu")
    assert zhipu["amount"] == pytest.approx(result["tokens"]["total"] * 3 * 0.02 / 1000, abs=1e-4)
    assert next(quote for quote in result["quotes"] if quote["target"] == "bailian")["amount"] is None


def test_text_says_what_is_not_known_and_exits_clean(rows: str) -> None:
    done = run(rows, "--tokenizer", "approximate", "--target", "zhipu")
    assert done.returncode == 0
    assert "price not known: give --price zhipu.glm-4-9b=" in done.stdout
    assert "tokenizer: approximate (within 10% of o200k_base)" in done.stdout
    assert "approximation" in done.stderr


def test_a_stale_card_is_warned_of(rows: str) -> None:
    done = run(rows, "--tokenizer", "approximate", "--target", "bailian-intl")
    assert "days ago: check https://www.alibabacloud.com" in done.stderr


def test_broken_rows_are_counted_kept_and_fail(tmp_path: Path) -> None:
    path, rejects = tmp_path / "rows.jsonl", tmp_path / "bad.jsonl"
    path.write_text(json.dumps(ROW) + '\n{"messages": [}\n{"what": 1}\n')
    done = run(str(path), "--tokenizer", "approximate", "--json", "--rejects", str(rejects))
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (3, 1, 2)
    assert "[J001]" in done.stderr
    assert "[S101]" in done.stderr
    kept = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [entry["raw"] for entry in kept] == ['{"messages": [}', '{"what": 1}']


def test_standard_input_model_and_gpu(rows: str) -> None:
    done = run("-", "--tokenizer", "approximate", "--json", "--target", "bailian-intl", "--gpu", "rtx-4090",
               "--model", "qwen3-14b", "--method", "full", stdin=Path(rows).read_text())  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [(quote["target"], quote["model"], quote["method"]) for quote in result["quotes"]] == [
        ("bailian-intl", "qwen3-14b", "full")
    ]
    assert [(quote["gpu"], quote["model"]) for quote in result["hardware"]] == [("rtx-4090", "qwen3-14b")]


def test_targets_that_cannot_train_the_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n")
    done = run(str(path), "--tokenizer", "approximate", "--json", "--target", "bailian-intl", "--target", "zhipu")
    result = json.loads(done.stdout)
    assert [quote["target"] for quote in result["quotes"]] == ["zhipu"]
    assert "bailian-intl does not train qwen3-14b on preference pairs" in result["notes"]


def test_labels_are_priced_only_where_they_can_be_trained(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({**ROW, "label": good}) + "\n" for good in (True, False)))
    result = json.loads(run(str(path), "--tokenizer", "approximate", "--json").stdout)
    assert result["quotes"] == []
    assert "zhipu does not train glm-4-9b on rows with a KTO label" in result["notes"]
    assert len(result["hardware"]) > 1


def test_a_profile_of_ones_own_is_a_target(rows: str, tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("extends: zhipu\nname: mine\nsource: https://example.org\nas_of: 2026-01-01\n")
    done = run(rows, "--tokenizer", "approximate", "--json", "--target", str(profile), "--price", "mine.glm-4-9b=1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["quotes"][0]["source"] == "given with --price"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "zipu"], "did you mean 'zhipu'"),
        (["--model", "glm-4-9c"], "did you mean 'glm-4-9b'"),
        (["--gpu", "rtx4090"], "did you mean 'rtx-4090'"),
        (["--price", "zhipu.glm-4-9b=0"], "above zero"),
        (["--price", "zipu.glm-4-9b=1"], "did you mean 'zhipu'"),
        (["--price", "zhipu.glm-4-9x=1"], "did you mean 'glm-4-9b'"),
        (["--tokenizer", "o200k"], "no tokenizer"),
        (["--method", "dora"], "--method"),
        (["--format", "chatnl"], "no format"),
        (["--rejects", "/nowhere/bad.jsonl"], "does not exist"),
        (["--target", "/nowhere/mine.yaml"], "does not exist"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(rows: str, arguments: list[str], message: str) -> None:
    done = run(rows, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\x00\x01\xff" * 50, "binary"),
        (("{}" * 9).encode("utf-16-le"), "UTF-16"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    if content is not None:
        path.write_bytes(content)
    done = run(str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_named_ways_are_compared_ranked_and_written(rows: str, tmp_path: Path) -> None:
    done = run(
        rows, "--tokenizer", "approximate", "--compare", "zhipu/glm-4-9b,local:qwen2.5-7b/qlora@4090", "--json",
        "--price", "zhipu.glm-4-9b=0.02", "--csv", str(tmp_path / "ways.csv"), "--budget", "1CNY",
        "--report", str(tmp_path / "page.html"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {(way["where"], way["model"], way["method"]) for way in result["ways"]} == {
        ("zhipu", "glm-4-9b", "lora"), ("rtx-4090", "qwen2.5-7b", "qlora"),
    }  # fmt: skip
    assert [way["compared"] for way in result["ways"]] == sorted(way["compared"] for way in result["ways"])
    assert result["ways"][0]["marks"] == ["cheapest"]
    assert result["compared_in"] == "CNY"
    assert all(each["whole"] for each in result["budget"])
    assert len((tmp_path / "ways.csv").read_text().splitlines()) == 3
    assert "glm-4-9b" in (tmp_path / "page.html").read_text("utf-8")
    assert result["tokens"]["shape"]["sequences"] == 20


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--compare", "zhipu/glm-4-9b", "--target", "openai"], "--target has no place beside it"),
        (["--compare", "zhipo/glm-4-9b"], "did you mean 'zhipu'"),
        (["--compare", "zhipu/glm-4-9b/qlora"], "platforms train lora or full"),
        (["--compare", "local:qwen2.5-7b@b200"], "no such GPU"),
        (["--budget", "100"], "as 100CNY"),
        (["--budget", "0CNY"], "above zero"),
    ],
)
def test_comparisons_that_cannot_be_made(rows: str, arguments: list[str], told: str) -> None:
    done = run(rows, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shape_of_rows_is_told(rows: str) -> None:
    done = run(rows, "--tokenizer", "approximate", "--target", "local", "--max-tokens", "10")
    assert "half within" in done.stdout
    assert "of batches of 2 is padding" in done.stdout
    assert "over 10 tokens: 20; cut, they lose" in done.stdout
