"""Training throughput: `dsforge train` beside a script of TRL's, on the same rows, with the same arguments and seed.

    python benchmarks/train.py [--rows 1200] [--rounds 3]

Rows read like public instruction data (corpus.py), the short ones. Each way is a process of its own, turn by turn, the
best round counts. The script hands TRL messages as its documentation has them, and batches as TRL does by default: at
random. dsforge runs once in the same batches (plain), whose losses have to be the script's, and once as it chooses
itself or is told (group, pack). Seconds are the trainer's own, of training alone; the second table is of the whole
process, from its start to the saved model.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from corpus import write_rows

SHORT = 700
"""Characters of a row, at most."""
SHARED: dict[str, object] = {
    "num_train_epochs": 1, "per_device_train_batch_size": 8, "learning_rate": 1e-3, "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1, "gradient_checkpointing": False, "max_length": 512,
}  # fmt: skip
LORA: dict[str, object] = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
SCRIPT = """
import json, sys
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoTokenizer
import trl
spec = json.loads(sys.argv[1])
name = {"sft": "SFT", "dpo": "DPO", "kto": "KTO"}[spec["method"]]
more = {"assistant_only_loss": True} if name == "SFT" else {}
args = getattr(trl, name + "Config")(
    output_dir=spec["out"], seed=7, use_cpu=True, bf16=False, report_to="none", disable_tqdm=True, save_strategy="no",
    logging_steps=1, model_init_kwargs={"dtype": "float32"}, **spec["arguments"], **more)
trainer = getattr(trl, name + "Trainer")(
    model=spec["model"], args=args, train_dataset=load_dataset("json", data_files=spec["rows"], split="train"),
    processing_class=AutoTokenizer.from_pretrained(spec["model"]),
    peft_config=LoraConfig(task_type="CAUSAL_LM", **spec["lora"]) if spec["lora"] else None)
trainer.train()
trainer.save_model(spec["out"])
logs = trainer.state.log_history
print(json.dumps({"seconds": logs[-1]["train_runtime"], "losses": [log["loss"] for log in logs if "loss" in log]}))
"""


@dataclass(frozen=True)
class Took:
    """What a run took: seconds of training, of the process, and the losses of its steps."""

    seconds: float
    process: float
    losses: list[float]


def _environment() -> dict[str, str]:
    return os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_WAIT_POLICY": "PASSIVE",
                         "TOKENIZERS_PARALLELISM": "true", "PYTHONWARNINGS": "ignore"}  # fmt: skip


def _call(command: list[str]) -> tuple[str, float]:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} ...: {done.stderr[-2000:]}")
    return done.stdout, time.perf_counter() - started


def script(method: str, peft: str, rows: Path, model: Path, folder: Path) -> Took:
    """Train by TRL's own script."""
    spec = {"method": method, "rows": str(rows), "model": str(model), "out": str(folder / "script"),
            "arguments": SHARED, "lora": LORA if peft == "lora" else None}  # fmt: skip
    text, process = _call([sys.executable, "-c", SCRIPT, json.dumps(spec)])
    found = json.loads(text.splitlines()[-1])
    return Took(found["seconds"], process, found["losses"])


def dsforge(method: str, peft: str, rows: Path, model: Path, folder: Path, *more: str) -> Took:
    """Train by dsforge, with the same arguments."""
    arguments = [f"++trl.{name}={str(value).lower()}" for name, value in SHARED.items()]
    overrides = [f"model.path={model}", f"method={method}", f"peft={peft}", f"data.path={rows}", "run.seed=7",
                 f"run.folder={folder}", "run.name=ours", "run.overwrite=true", "run.samples=0", "evaluate.rows=0",
                 "preflight=off", "+trl.save_strategy=no", "hardware=cpu", *arguments, *more]  # fmt: skip
    _, process = _call([sys.executable, "-m", "dsforge", "train", *overrides])
    record = json.loads((folder / "ours" / "run.json").read_text(encoding="utf-8"))
    return Took(record["train_seconds"], process, [loss for _, loss in record["losses"]])


def _sft_rows(folder: Path, count: int) -> Path:
    everything, short = folder / "all.jsonl", folder / "sft.jsonl"
    write_rows(everything, count * 4)
    lines = [line for line in everything.read_text(encoding="utf-8").splitlines() if len(line) < SHORT][:count]
    kept = [json.dumps({"messages": json.loads(line)["messages"]}, ensure_ascii=False) for line in lines]
    short.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return short


def _preference_rows(sft: Path, folder: Path) -> tuple[Path, Path]:
    """Pairs and labelled answers of the same rows: the rejected answer is the next row's."""
    rows = [json.loads(line)["messages"] for line in sft.read_text(encoding="utf-8").splitlines()]
    pairs, labels = folder / "dpo.jsonl", folder / "kto.jsonl"
    with pairs.open("w", encoding="utf-8") as of_pairs, labels.open("w", encoding="utf-8") as of_labels:
        for index, (row, other) in enumerate(pairwise(rows)):
            pair = {"prompt": row[:-1], "chosen": row[-1:], "rejected": other[-1:]}
            if pair["chosen"] != pair["rejected"]:
                of_pairs.write(json.dumps(pair, ensure_ascii=False) + "\n")
                side = "chosen" if index % 2 else "rejected"
                label = {"prompt": row[:-1], "completion": pair[side], "label": side == "chosen"}
                of_labels.write(json.dumps(label, ensure_ascii=False) + "\n")
    return pairs, labels


def _base(rows: Path, folder: Path) -> Path:
    """A tiny model with a tokenizer of these rows."""
    _call([sys.executable, "-m", "dsforge", "train", "model=tiny", f"data.path={rows}", f"run.folder={folder}",
           "run.name=base", "run.max_steps=1", "preflight=off", "run.samples=0", "evaluate.rows=0"])  # fmt: skip
    return folder / "base" / "base"


def main() -> None:
    """Measure, and print a line for each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--method", choices=("sft", "dpo", "kto"), help="one of them alone")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sft = _sft_rows(folder, wanted.rows)
        pairs, labels = _preference_rows(sft, folder)
        model = _base(sft, folder)
        print(f"{wanted.rows:,} rows, {sft.stat().st_size / 1e6:.1f} MB; seconds of training, and times the script's")
        cases = [("sft", "lora", sft), ("sft", "full", sft), ("dpo", "lora", pairs), ("kto", "lora", labels)]
        for method, peft, rows in cases:
            if wanted.method not in (None, method):
                continue
            ways: dict[str, tuple[str, ...]] = {"script": (), "plain": ("run.batching=plain",)}
            if method != "kto":  # whose batches stay as they come
                ways["auto"] = ()
            if method == "sft":
                ways["pack"] = ("run.batching=pack",)
            best: dict[str, Took] = {}
            for _ in range(wanted.rounds):
                for way, more in ways.items():
                    run = script if way == "script" else dsforge
                    took = run(method, peft, rows, model, folder, *more)
                    if way not in best or took.seconds < best[way].seconds:
                        best[way] = took
            theirs = best["script"]
            apart = max(abs(a - b) for a, b in zip(theirs.losses, best["plain"].losses, strict=True))
            print(f"{method} {peft}: losses of plain are the script's to {apart:.1e}, {len(theirs.losses)} steps")
            for way, took in best.items():
                print(
                    f"  {way:<8}{took.seconds:8.2f} s {theirs.seconds / took.seconds:6.2f}x"
                    f"   process {took.process:7.2f} s {theirs.process / took.process:6.2f}x"
                )


if __name__ == "__main__":
    main()
