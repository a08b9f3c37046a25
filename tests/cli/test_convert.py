"""`dsforge convert` from the outside."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import as_json, assert_one_line_error, dsforge


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_losses_are_named_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": "a", "name": "ana"}, {"role": "assistant", "content": "b"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    ]
    source.write_text("\n".join(map(json.dumps, rows)))
    done = dsforge("convert", source, "--to", "alpaca", "-o", tmp_path / "out.jsonl", "--json")
    result = as_json(done)
    assert done.returncode == 0
    assert result["losses"] == {"message names": 1, "message weights": 1}
    assert result["rows_out"] == 3
    assert dsforge("convert", source, "--to", "alpaca", "--fail-on", "loss").returncode == 1


def test_rows_that_make_no_sense_are_rejected_byte_for_byte(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = ['{"instruction":  "ask", "output": "answer"}', '{"prompt": "a", "chosen": "b", "rejected": "c"}', "{oops"]
    source.write_text("\n".join(lines))
    done = dsforge("convert", source, "--to", "dpo", "-o", tmp_path / "out.jsonl", "--json")
    result = as_json(done)
    assert done.returncode == 1
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (3, 1, 2)
    rejects = _rows(Path(result["rejects"]))
    assert [(reject["line"], reject["code"], reject["raw"]) for reject in rejects] == [
        (1, "S901", lines[0]), (3, "J001", lines[2]),
    ]  # fmt: skip
    assert str(tmp_path / "out.rejects.jsonl") in done.stderr


def test_a_clean_run_removes_the_rejects_of_an_earlier_one(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("{oops\n")
    assert dsforge("convert", source, "--to", "chatml", "-o", output).returncode == 1
    assert (tmp_path / "out.rejects.jsonl").exists()
    source.write_text('{"instruction": "ask", "output": "answer"}\n')
    assert dsforge("convert", source, "--to", "chatml", "-o", output).returncode == 0
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_several_files_and_an_array(tmp_path: Path) -> None:
    sources = [tmp_path / "0.jsonl", tmp_path / "1.jsonl"]
    for index, source in enumerate(sources):
        source.write_text(f'{{"instruction": "{index}", "output": "a"}}\n')
    output = tmp_path / "out.json"
    assert dsforge("convert", *sources, "--to", "sharegpt", "-o", output).returncode == 0
    assert [row["conversations"][0]["value"] for row in json.loads(output.read_text())] == ["0", "1"]


ROW = '{"instruction": "ask", "output": "answer"}\n'


@pytest.mark.parametrize("command", ["convert", "cost"])
def test_rejects_never_take_the_place_of_an_input(tmp_path: Path, command: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(ROW)
    options = (
        ["--to", "chatml", "-o", tmp_path / "out.jsonl"] if command == "convert" else ["--tokenizer", "approximate"]
    )
    assert_one_line_error(dsforge(command, source, *options, "--rejects", source), "also an input")
    assert source.read_text() == ROW


def test_the_default_rejects_file_may_be_an_input(tmp_path: Path) -> None:
    source = tmp_path / "rows.rejects.jsonl"
    source.write_text(ROW)
    assert_one_line_error(dsforge("convert", source, "--to", "chatml", "-o", tmp_path / "rows.jsonl"), "also an input")
    assert source.read_text() == ROW


def test_a_file_that_only_looks_like_rejects_stays(tmp_path: Path) -> None:
    source, mine = tmp_path / "in.jsonl", tmp_path / "out.rejects.jsonl"
    source.write_text(ROW)
    mine.write_text('{"path": "mine"}\n')
    assert dsforge("convert", source, "--to", "chatml", "-o", tmp_path / "out.jsonl").returncode == 0
    assert mine.read_text() == '{"path": "mine"}\n'


def test_a_pipe_is_written_through_and_stays_a_pipe(tmp_path: Path) -> None:
    source, pipe = tmp_path / "in.jsonl", tmp_path / "pipe"
    source.write_text(ROW)
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        done = dsforge("convert", source, "--to", "chatml", "-o", pipe, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert reader.stdout is not None
        assert reader.stdout.read().count('"assistant"') == 1
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    source, target, link = tmp_path / "in.jsonl", tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    source.write_text(ROW)
    target.write_text("old")
    link.symlink_to(target)
    assert dsforge("convert", source, "--to", "chatml", "-o", link).returncode == 0
    assert link.is_symlink()
    assert '"assistant"' in target.read_text()


def test_standard_input_is_never_taken_from_an_earlier_run(tmp_path: Path) -> None:
    many = ROW * 50_000
    script = f"{sys.executable} -m dsforge convert - --to chatml | head -1; exit ${{PIPESTATUS[0]}}"
    first = subprocess.run(
        ["bash", "-c", script], input=many, cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert first.returncode == 141, first.stderr
    second = dsforge("convert", "-", "--to", "chatml", stdin=ROW.replace("ask", "other"), folder=tmp_path)
    assert second.stdout.count("\n") == 1
    assert "other" in second.stdout
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "command", [["convert", "--to", "chatml"], ["lint"], ["dedup"], ["cost"], ["split", "-o", "parts"]]
)
def test_a_broken_gzip_file_is_one_line(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "rows.jsonl.gz"
    text = "".join(f'{{"instruction": "{index * 7919}", "output": "{index * 104729}"}}\n' for index in range(5000))
    path.write_bytes(gzip.compress(text.encode())[:-3000])
    done = dsforge(command[0], path, *command[1:], folder=tmp_path)
    assert_one_line_error(done, "rows.jsonl.gz cannot be unpacked beyond row")


def test_two_equal_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(ROW * 100_000)
    command = [sys.executable, "-m", "dsforge", "convert", str(source), "--to", "sharegpt", "-o", str(output)]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate()[1] for run in runs]
    assert {run.returncode for run in runs} <= {0, 2}
    assert all("another dsforge is writing" in error for error, run in zip(errors, runs, strict=True) if run.returncode)
    assert len(output.read_bytes().splitlines()) == 100_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "out.manifest.json"]


def test_own_layouts_and_descriptions_of_llama_factory(tmp_path: Path) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_text('{"question": "q", "answer": {"text": "a"}, "lang": "en"}\n')
    mapped = ["--map", "prompt=question", "--map", "completion=answer.text"]
    done = dsforge("convert", source, "--to", "chatml", *mapped, "--verify")
    assert_one_line_error(done, "--verify", "-o")
    done = dsforge("convert", source, "--to", "chatml", *mapped)
    assert json.loads(done.stdout)["messages"][1] == {"role": "assistant", "content": "a"}
    chat = tmp_path / "chat.jsonl"
    chat.write_text(done.stdout)
    back = dsforge("convert", chat, "--to", "custom", *mapped)
    assert json.loads(back.stdout) == json.loads(source.read_text())
    (tmp_path / "dataset_info.json").write_text(
        '{"mine": {"file_name": "qa.json", "columns": {"prompt": "q", "response": "r"}}}'
    )
    (tmp_path / "qa.json").write_text('[{"q": "ask", "r": "say"}]')
    done = dsforge("convert", "mine", "--dataset-info", "dataset_info.json", "--to", "alpaca", folder=tmp_path)
    assert json.loads(done.stdout) == {"instruction": "ask", "input": "", "output": "say"}


def test_losses_make_a_table_with_the_first_row_of_each(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
        '{"messages": [{"role": "user", "content": "a", "name": "x"}, {"role": "assistant", "content": "b"}]}\n'
    )
    done = dsforge("convert", "in.jsonl", "--to", "alpaca", "-o", "out.jsonl", "--verify", folder=tmp_path)
    assert "2 rows in, 2 out, 0 rejected; 2 verified" in done.stdout
    assert "lost  message names" in done.stdout
    assert "first in.jsonl:2 (alpaca cannot hold it)" in done.stdout
    done = dsforge("convert", "in.jsonl", "--to", "alpaca", "-o", "no.jsonl", "--on-loss", "error", folder=tmp_path)
    assert done.returncode == 1
    assert "no.jsonl was not written: --on-loss error" in done.stdout
    assert not (tmp_path / "no.jsonl").exists()
    done = dsforge("convert", "in.jsonl", "--to", "alpaca", "-o", "d.jsonl", "--on-loss", "drop", "--json",
                   folder=tmp_path)  # fmt: skip
    result = as_json(done)
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (2, 1, 1)


def test_globs_folders_and_encodings(tmp_path: Path) -> None:
    for index in range(3):
        (tmp_path / f"part{index}.jsonl").write_text(ROW)
    (tmp_path / "part1.rejects.jsonl").write_text("{}\n")
    done = dsforge("convert", "part*.jsonl", "--to", "chatml", "-o", "all.parquet", "--json", folder=tmp_path)
    assert as_json(done)["rows_out"] == 3
    gb = '{"instruction": "请问我的订单什么时候可以送到", "output": "两到三个工作日"}\n' * 9
    (tmp_path / "gb.jsonl").write_bytes(gb.encode("gb18030"))
    done = dsforge("convert", "gb.jsonl", "--to", "chatml", "-o", "utf8.jsonl", folder=tmp_path)
    assert "GB18030" in done.stdout
    assert "订单" in (tmp_path / "utf8.jsonl").read_text("utf-8")


def test_bad_pairs_on_the_command_line_are_one_line(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(ROW)
    assert_one_line_error(dsforge("convert", source, "--to", "chatml", "-O", "join"), "NAME=CHOICE")
    assert_one_line_error(dsforge("convert", source, "--to", "chatml", "-O", "joni=line"), "did you mean 'join'")
    assert_one_line_error(dsforge("convert", source, "--to", "custom"), "--map FIELD=PATH")
    assert_one_line_error(dsforge("convert", source, "--to", "chatml", "-o", tmp_path / "x.xls"), ".xlsx")
