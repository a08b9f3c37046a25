"""`dsforge convert` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.run import as_json, dsforge


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
        (1, "S109", lines[0]), (3, "J001", lines[2]),
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
