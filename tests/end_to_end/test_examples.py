"""The examples hold the flaws that their README lists, and no others; every command works on them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.run import as_json, dsforge

EXAMPLES = Path(__file__).parents[2] / "examples"
SFT = ["support.chatml.jsonl", "support.alpaca.json", "support.sharegpt.jsonl"]
ADVICE = ("B402", "B403", "B405")  # what rules that run only when asked say of any small dataset
PLANTED = {
    (name, int(line), code)
    for name, line, code in re.findall(
        r"^\| `(\S+)` \| (\d+) \| (\w\d{3}) \|", (EXAMPLES / "README.md").read_text(), re.M
    )
}


def test_every_family_is_planted_but_the_target_s() -> None:
    assert {code[0] for _, _, code in PLANTED} == set("JSTLBQPD")


@pytest.mark.parametrize("name", [*SFT, "pairs.jsonl"])
def test_the_planted_flaws_are_found_and_no_others(name: str) -> None:
    done = dsforge("lint", EXAMPLES / "support" / name, "--select", "ALL", "--ignore", ",".join(ADVICE),
                   "--max-tokens", 1024, "--tokenizer", "approximate", "--json")  # fmt: skip
    found = {(name, finding["line"], finding["code"]) for finding in as_json(done)["findings"]}
    assert found == {flaw for flaw in PLANTED if flaw[0] == name}


def test_a_target_s_limits_are_found() -> None:
    done = dsforge("lint", EXAMPLES / "support" / "support.alpaca.json", "--target", "zhipu", "--select", "X", "--json")
    found = {finding["code"]: finding["severity"] for finding in as_json(done)["findings"]}
    # Alpaca in an array, where ChatML in JSONL is asked for; and fewer rows than advised
    assert found == {"X801": "error", "X822": "error", "X823": "warning"}


def test_from_raw_files_to_train_and_validation(tmp_path: Path) -> None:
    """convert, dedup and split in a row; every row is accounted for."""
    sources = [EXAMPLES / "support" / name for name in SFT]
    converted = as_json(dsforge("convert", *sources, "--to", "chatml", "-o", tmp_path / "all.jsonl", "--json"))
    assert converted["from"] == {"alpaca": 91, "chatml": 102, "sharegpt": 89}
    assert (converted["rows_in"], converted["rows_out"], converted["rows_rejected"]) == (293, 282, 11)
    deduped = as_json(dsforge("dedup", tmp_path / "all.jsonl", "-o", tmp_path / "clean.jsonl", "--json"))
    assert (deduped["rows_in"], deduped["exact_duplicates"], deduped["near_duplicates"]) == (282, 2, 1)
    divided = as_json(dsforge("split", tmp_path / "clean.jsonl", "-o", tmp_path / "split", "--json"))
    assert divided["rows_in"] == divided["rows_out"] == deduped["rows_out"] == 279
    sides = [(tmp_path / "split" / f"{side}.jsonl").read_bytes().splitlines() for side in ("train", "validation")]
    assert sorted(sides[0] + sides[1]) == sorted((tmp_path / "clean.jsonl").read_bytes().splitlines())
    cost = as_json(dsforge("cost", tmp_path / "split" / "train.jsonl", "--tokenizer", "approximate", "--json"))
    assert cost["tokens"]["total"] > cost["tokens"]["trained"] > 0
    assert {quote["target"] for quote in cost["quotes"]} >= {"zhipu", "bailian"}


@pytest.mark.parametrize("to", ["chatml", "alpaca", "sharegpt", "dpo"])
@pytest.mark.parametrize("name", [*SFT, "pairs.jsonl"])
def test_every_file_goes_through_every_format(tmp_path: Path, name: str, to: str) -> None:
    output = tmp_path / "out.jsonl"
    result = as_json(dsforge("convert", EXAMPLES / "support" / name, "--to", to, "-o", output, "--json"))
    assert result["rows_in"] == result["rows_out"] + result["rows_rejected"]
    assert len(output.read_text().splitlines()) == result["rows_out"]
    rejects = Path(result["rejects"]).read_text().splitlines() if result["rejects"] else []
    assert len(rejects) == result["rows_rejected"]
    assert all(json.loads(line)["reason"] for line in rejects)
