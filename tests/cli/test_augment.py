"""`dsforge augment` from the outside: killed, interrupted, misused, and against a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from dsforge.engine.journal import Journal
from tests.augment.faulty_server import FaultyServer, Reply, echo, serving
from tests.cli.run import as_json, assert_one_line_error, dsforge

SUPPORT = Path(__file__).parents[2] / "examples" / "support" / "support.chatml.jsonl"
ENVIRONMENT = {"OPENAI_API_KEY": "sk-canary-1234567890", "OPENAI_BASE_URL": "", "MY_KEY": "", "MY_URL": ""}
OPTIONS = ["--method", "paraphrase", "--model", "m"]


def augment(server: FaultyServer | None, folder: Path, *arguments: object, **environment: str) -> Any:
    url = {"OPENAI_BASE_URL": server.url} if server else {}
    return dsforge("augment", *arguments, folder=folder, **{**ENVIRONMENT, **url, **environment})


def seeds(folder: Path, count: int = 5) -> Path:
    path = folder / "seeds.jsonl"
    rows = [{"instruction": f"Question {n}?", "output": f"Answer {n}."} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def start(server: FaultyServer, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dsforge", "augment", "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", *arguments],
        cwd=folder, env={**os.environ, **ENVIRONMENT, "OPENAI_BASE_URL": server.url}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(condition: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


def test_the_json_object(tmp_path: Path) -> None:
    seeds(tmp_path)
    with serving() as server:
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--per-row", 2, "--json")
    result = as_json(done)
    assert done.returncode == 0, done.stderr
    assert (result["command"], result["rows_in"], result["rows_out"], result["rows_rejected"]) == ("augment", 5, 10, 0)
    assert (result["rows_generated"], result["rows_kept"], result["requests"]) == (10, 10, 10)
    assert (result["prompt_tokens"], result["completion_tokens"]) == (100, 30)
    assert (result["spent"], result["currency"], result["dropped"], result["failed"]) == (None, None, {}, 0)
    assert result["journal"] == ".out.jsonl.journal.sqlite"
    assert (tmp_path / result["journal"]).is_file()


def test_what_people_read(tmp_path: Path) -> None:
    seeds(tmp_path)
    (tmp_path / "seeds.jsonl").open("a").write('{"messages": [{"role": "assistant", "content": "alone"}]}\n')

    def script(prompt: str, times: int) -> Reply:
        if "Question 1" in prompt:
            return Reply(status=400, body=b'{"error": {"message": "too \\u001b[2Jlong"}}')
        return Reply("") if "Question 2" in prompt else echo(prompt, times)

    with serving(script) as server:
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl")
        again = as_json(augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--json"))
    assert done.returncode == 1
    assert (again["failed"], again["dropped"], again["rows_rejected"], again["requests"]) == (1, {"empty": 1}, 1, 1)
    assert [(failure["row"], failure["line"], failure["number"]) for failure in again["failures"]] == [(2, 2, 1)]
    assert "6 rows in, 4 generated, 3 kept, 3 out, 1 dropped, 1 failed, 1 rejected" in done.stdout
    assert "dropped  empty: 1" in done.stdout
    assert ".out.jsonl.journal.sqlite" in done.stdout
    assert "seeds.jsonl:2: row 2, number 1: 400: too" in done.stderr
    assert "\x1b" not in done.stderr
    assert "out.rejects.jsonl" in done.stderr
    assert ENVIRONMENT["OPENAI_API_KEY"] not in done.stdout + done.stderr


def test_rows_that_lint_finds_an_error_in_are_rejected(tmp_path: Path) -> None:
    seeds(tmp_path, 2)
    leaking = json.dumps({"instruction": "Where to pay?", "answer": "To DE44 5001 0517 5407 3249 31."})

    def script(prompt: str, times: int) -> Reply:
        return Reply(leaking if "Question 0" in prompt else json.dumps({"instruction": "Who?", "answer": "Me."}))

    with serving(script) as server:
        done = augment(server, tmp_path, "seeds.jsonl", "--method", "evolve", "--model", "m", "-o", "o.jsonl", "--json")
    result = as_json(done)
    assert (result["rows_generated"], result["rows_kept"]) == (2, 1), done.stderr
    (reason,) = result["dropped"]
    assert reason.startswith("lint: ")
    (reject,) = [json.loads(line) for line in (tmp_path / "o.rejects.jsonl").read_text().splitlines()]
    assert (reject["reason"], reject["raw"]) == (reason, leaking)


def test_standard_input_to_standard_output(tmp_path: Path) -> None:
    text = seeds(tmp_path, 2).read_text()
    with serving() as server:
        done = dsforge("augment", "-", *OPTIONS, "--with-seeds", folder=tmp_path, stdin=text,
                       **{**ENVIRONMENT, "OPENAI_BASE_URL": server.url})  # fmt: skip
    assert [json.loads(line)["instruction"] for line in done.stdout.splitlines()] == [
        "Question 0?", "Question 0? (1)", "Question 1?", "Question 1? (1)",
    ]  # fmt: skip
    assert "2 rows in" in done.stderr


def test_seeds_with_errors_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    good = seeds(tmp_path, 2).read_text()
    empty = json.dumps({"instruction": "And then?", "output": ""})
    (tmp_path / "bad.jsonl").write_text(f'{good}{empty}\n{{"no": "row"}}\n')
    with serving() as server:
        done = augment(server, tmp_path, "bad.jsonl", *OPTIONS, "-o", "o.jsonl")
        assert_one_line_error(done, "2 of 4 rows have errors, the first in line 3: S104", "--skip-faulty")
        assert not server.log.bodies
        assert not (tmp_path / "o.jsonl").exists()
        done = augment(server, tmp_path, "bad.jsonl", *OPTIONS, "-o", "o.jsonl", "--skip-faulty", "--json")
        result = as_json(done)
        assert (result["rows_in"], result["rows_kept"], result["rows_rejected"]) == (4, 2, 2)
        codes = [json.loads(line)["code"] for line in (tmp_path / "o.rejects.jsonl").read_text().splitlines()]
        assert codes == ["A903", "S101"]
        # a method that writes the answer anew takes a row without one
        done = augment(server, tmp_path, "bad.jsonl", "--method", "answer", "--model", "m", "-o", "o.jsonl", "--json")
        assert as_json(done)["requests"] == 3


def test_a_dry_run_refuses_what_a_run_refuses(tmp_path: Path) -> None:
    seeds(tmp_path, 2)
    for options, said in (
        (["--with-seeds", "--to", "chatml"], "--with-seeds"), (["--rejects", "seeds.jsonl"], "also an input"),
        (["--report", "o.jsonl"], "two outputs"),
    ):  # fmt: skip
        for more in ([], ["--dry-run"]):
            done = dsforge("augment", "seeds.jsonl", *OPTIONS, *options, "-o", "o.jsonl", *more, folder=tmp_path,
                           **{**ENVIRONMENT, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})  # fmt: skip
            assert_one_line_error(done, said)


def test_both_languages_keep_theirs_and_context_and_formats(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply(echo(prompt, times).text[::-1])) as server:
        for name in ("support.chatml.jsonl", "support.sharegpt.jsonl", "support.alpaca.json", "pairs.jsonl"):
            options = [*OPTIONS, "--rows", 20, "--skip-faulty", "-o", name, "--json"]
            done = augment(server, tmp_path, SUPPORT.with_name(name), *options)
            assert json.loads(done.stdout)["rows_kept"] == 20, done
            rows = json.loads((tmp_path / name).read_text()) if name.endswith("json") else [
                json.loads(line) for line in (tmp_path / name).read_text().splitlines()
            ]  # fmt: skip
            assert len(rows) == 20
        systems = [body["messages"][0]["content"] for body in server.log.bodies]
    assert {"你负" if system.startswith("你负") else "You" for system in systems} == {"你负", "You"}
    for body in server.log.bodies:
        chinese = body["messages"][0]["content"].startswith("你负")
        message = body["messages"][1]["content"].rpartition("<message>\n")[2].partition("\n</message>")[0]
        assert chinese == any("\u4e00" <= char <= "\u9fff" for char in message)


def test_dry_run_counts_and_asks_nothing(tmp_path: Path) -> None:
    seeds(tmp_path)
    with serving() as server:
        arguments = ["seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--per-row", "2"]
        done = augment(server, tmp_path, *arguments, "--dry-run", "--json", OPENAI_API_KEY="")
        result = as_json(done)
        assert done.returncode == 0, done.stderr
        assert not server.log.asked
        assert [path.name for path in tmp_path.iterdir()] == ["seeds.jsonl"]
        assert (result["requests"], result["rows_out"], result["from_journal"]) == (10, 0, 0)
        assert 10 * 60 < result["prompt_tokens"] < 10 * 300
        augment(server, tmp_path, *arguments, "--rows", 4)
        done = augment(server, tmp_path, *arguments, "--dry-run")
    assert "6 requests" in done.stdout
    assert "4 more need no asking" in done.stdout


def test_kill_9_and_resume_asks_nothing_twice_and_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    seeds(tmp_path, 60)
    seeds(tmp_path / "calm", 60)

    def slow(prompt: str, times: int) -> Reply:
        return Reply(echo(prompt, times).text, wait=0.02)

    with serving(slow) as server:
        done = augment(server, tmp_path / "calm", "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--per-row", 2)
        assert done.returncode == 0, done.stderr
        log = server.log
        log.asked.clear(), log.answered.clear(), log.bodies.clear()
        lost = 0
        for step in range(1, 4):
            process = start(server, tmp_path, "--per-row", "2", "--concurrency", "4")
            wait_for(lambda step=step: len(log.answered) >= 25 * step)
            process.kill()
            process.communicate()
            time.sleep(0.1)  # what the dead process had sent is in the server's log by now
            assert not (tmp_path / "out.jsonl").exists()
            with Journal(tmp_path / ".out.jsonl.journal.sqlite") as journal:
                in_flight = sum(log.asked.values()) - lost - len(journal)
            assert 0 <= in_flight <= 4
            lost += in_flight
        process = start(server, tmp_path, "--per-row", "2", "--concurrency", "4")
        _, error = process.communicate(timeout=30)
        assert process.returncode == 0, error
    killed, calm = (re.sub('"time":"[^"]+"', "", path.read_text()) for path in (
        tmp_path / "out.jsonl", tmp_path / "calm" / "out.jsonl",
    ))  # fmt: skip
    assert killed == calm
    assert len(log.asked) == 120
    assert sum(log.asked.values()) == 120 + lost  # only what was in flight at a kill, and in no journal, came again


def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(tmp_path: Path) -> None:
    seeds(tmp_path, 40)

    def slow(prompt: str, times: int) -> Reply:
        return Reply(echo(prompt, times).text, wait=0.3)

    with serving(slow) as server:
        process = start(server, tmp_path, "--concurrency", "4")
        wait_for(lambda: sum(server.log.asked.values()) >= 6)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
        assert process.returncode == 130, error
        asked = sum(server.log.asked.values())
        assert asked < 40
        assert "run the same command again" in error
        assert "Traceback" not in error
        assert not (tmp_path / "out.jsonl").exists()
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", "--concurrency", 40, "--json")
        assert set(server.log.asked.values()) == {1}
    result = as_json(done)
    assert (result["requests"], result["from_journal"], result["rows_kept"]) == (40 - asked, asked, 40)


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    seeds(tmp_path)
    with serving(lambda prompt, times: Reply("x", wait=30)) as server:
        process = start(server, tmp_path)
        wait_for(lambda: server.log.asked)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=10)
    assert process.returncode == 130, error
    assert "Traceback" not in error


def test_a_prompt_of_ones_own(tmp_path: Path) -> None:
    seeds(tmp_path, 1)
    (tmp_path / "mine.jinja").write_text(
        "{% block user %}{{ number }} <message>\n{{ message }}\n</message>{% endblock %}"
    )
    with serving() as server:
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "o.jsonl", "--prompt", "mine.jinja")
        assert done.returncode == 0, done.stderr
        assert server.log.bodies[0]["messages"] == [
            {"role": "user", "content": "1 <message>\nQuestion 0?\n</message>"}
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{% block user %}{{ mesage }}{% endblock %}", "did you mean 'message'"),
        ("{% block user %}{{ message", "line 1"),
        ("{{ message }}", "block 'user'"),
        ("{% block user %}{{ message.__class__.__mro__ }}{% endblock %}", "unsafe"),
    ],
)
def test_a_prompt_that_is_wrong_is_told_before_anything_is_asked(tmp_path: Path, prompt: str, said: str) -> None:
    seeds(tmp_path, 1)
    (tmp_path / "p.jinja").write_text(prompt)
    with serving() as server:
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "o.jsonl", "--prompt", "p.jinja")
        assert not server.log.asked
    assert_one_line_error(done, "p.jinja", said)


def test_rows_are_data_to_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "seeds.jsonl").write_text('{"instruction": "{{ 7 * 7 }} {% for %}", "output": "a"}\n')
    with serving() as server:
        done = augment(server, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "o.jsonl")
        assert done.returncode == 0, done.stderr
        assert "{{ 7 * 7 }} {% for %}" in server.log.bodies[0]["messages"][1]["content"]


def test_server_and_key_from_named_variables(tmp_path: Path) -> None:
    seeds(tmp_path, 1)
    named = ["--base-url-env", "MY_URL", "--api-key-env", "MY_KEY"]
    with serving() as server:
        done = augment(None, tmp_path, "seeds.jsonl", *OPTIONS, *named, "-o", "o.jsonl",
                       MY_URL=server.url + "/", MY_KEY="other")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert server.log.keys == {"Bearer other"}


@pytest.mark.parametrize(
    ("arguments", "environment", "parts"),
    [
        ([], {"OPENAI_API_KEY": ""}, ["OPENAI_API_KEY", "OPENAI_API_KEY=none"]),
        (["--api-key-env", "MY_KEY"], {}, ["no key: set MY_KEY"]),
        (["--base-url-env", "MY_URL"], {}, ["MY_URL is not set"]),
        (["--base-url", "localhost:1"], {}, ["--base-url", "no address"]),
        (["--base-url", "http://me:secret@host/v1"], {}, ["leave out user"]),
        (["--base-url", "http://127.0.0.1:9/v1"], {}, ["127.0.0.1:9", "cannot be reached"]),
        (["--method", "parafrase"], {}, ["did you mean 'paraphrase'"]),
        (["--model", ""], {}, ["--model is empty"]),
        (["--per-row", "0"], {}, ["--per-row"]),
        (["--format", "alpacca"], {}, ["did you mean 'alpaca'"]),
        (["--prompt", "no.jinja"], {}, ["no.jinja", "cannot be read"]),
        (["--journal", "seeds.jsonl"], {}, ["also an input"]),
        (["--journal", "text"], {}, ["no journal"]),
        (["-o", "seeds.jsonl"], {}, ["also an input"]),
        (["-o", "no/out.jsonl"], {}, ["does not exist"]),
        (["-o", "-", "--json"], {}, ["standard output"]),
    ],
)
def test_bad_options_are_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], parts: list[str]
) -> None:
    seeds(tmp_path)
    (tmp_path / "text").write_text("this is text, not a database; " * 100)
    done = augment(None, tmp_path, "seeds.jsonl", *OPTIONS, "-o", "out.jsonl", *arguments, **environment)
    assert_one_line_error(done, *parts)
    assert not (tmp_path / "out.jsonl").exists()
    assert "secret" not in done.stderr


@pytest.mark.parametrize(("name", "said"), [("none", "does not exist"), ("empty", "empty"), (".", "directory")])
def test_bad_input_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert_one_line_error(augment(None, tmp_path, name, *OPTIONS, "-o", "out.jsonl"), said)


@pytest.mark.parametrize("module", ["openai", "jinja2"])
def test_a_missing_extra_is_one_line(tmp_path: Path, module: str) -> None:
    seeds(tmp_path)
    code = f"import sys; sys.modules['{module}'] = None; from dsforge.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "augment", "seeds.jsonl", *OPTIONS, "-o", "out.jsonl"],
        cwd=tmp_path, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert_one_line_error(done, "pip install 'dsforge[augment]'")


def _tiny_model(folder: Path) -> Path:
    """A Qwen3 model of random weights that soon ends what it says."""
    import torch
    from transformers import AutoTokenizer, GenerationConfig

    from dsforge.train.config import DataConfig, TinyModel
    from dsforge.train.tiny import build_model, build_tokenizer

    data = DataConfig(path=str(SUPPORT), validation=None, format="auto", limit=50, too_long="cut")
    tiny = TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=400)
    torch.manual_seed(0)
    build_tokenizer(tiny, data, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    build_model(tiny, tokenizer, folder)
    GenerationConfig(
        do_sample=True, temperature=1.0, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        exponential_decay_length_penalty=(8, 2.0),
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """`(base URL, model)` of a real server."""
    if not all(find_spec(name) for name in ("torch", "transformers", "fastapi", "uvicorn", "openai")):
        pytest.skip("transformers[serving] is not installed")
    folder = _tiny_model(tmp_path_factory.mktemp("model"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("log") / "serve.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "transformers.cli.transformers", "serve", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=log, stderr=log,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < until, Path(log.name).read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def test_a_real_server_end_to_end(transformers_serve: tuple[str, str], tmp_path: Path) -> None:
    url, model = transformers_serve
    (tmp_path / "seeds.jsonl").write_bytes(b"".join(SUPPORT.read_bytes().splitlines(True)[:6]))
    arguments = [
        "seeds.jsonl",
        "--method",
        "paraphrase",
        "--model",
        model,
        "-o",
        "out.jsonl",
        "--per-row",
        "2",
        "--json",
    ]
    done = augment(None, tmp_path, *arguments, OPENAI_BASE_URL=url, OPENAI_API_KEY="none")
    result = as_json(done)
    assert done.returncode == 0, done.stderr
    assert (result["rows_in"], result["rows_generated"], result["failed"]) == (6, 12, 0)
    assert 12 <= result["requests"] <= 24  # a model of random weights may slip into another language: one reask each
    assert result["rows_kept"] + sum(result["dropped"].values()) == 12
    assert result["rows_kept"] > 0
    assert result["prompt_tokens"] > 12 * 50
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    seed_rows = [json.loads(line) for line in (tmp_path / "seeds.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        seed = seed_rows[row["provenance"]["source_row"] - 1]
        assert row["messages"][-1] == seed["messages"][-1]
        assert row["messages"][-2]["content"] != seed["messages"][-2]["content"]
    first = (tmp_path / "out.jsonl").read_bytes()
    again = as_json(augment(None, tmp_path, *arguments, OPENAI_BASE_URL=url, OPENAI_API_KEY="none"))
    assert (again["requests"], again["from_journal"]) == (0, result["requests"])
    assert (tmp_path / "out.jsonl").read_bytes() == first
