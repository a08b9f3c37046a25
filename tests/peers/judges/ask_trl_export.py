"""Runs in our environment, in an exported folder: the parser of TRL's command line, then a step of its trainer.

argv: the method. A line with the arguments that were parsed, then a line a row of what is trained.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import yaml

method = sys.argv[1]
plain = yaml.safe_load(Path("train.yaml").read_text(encoding="utf-8"))
plain |= {"use_cpu": True, "bf16": False, "max_steps": 1, "per_device_train_batch_size": 2}
Path("cpu.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
script = import_module(f"trl.scripts.{method}")
sys.argv = ["trl", "--config", "cpu.yaml"]
parsed = script.make_parser().parse_args_and_config(fail_with_unknown_args=True)
names = {name for part in parsed for name in vars(part)}
told = {
    "strange": sorted(set(plain) - names), "model": parsed[2].model_name_or_path, "output_dir": parsed[1].output_dir,
    "warmup": parsed[1].get_warmup_steps(100), "max_length": parsed[1].max_length, "seed": parsed[1].seed,
    "lora": [parsed[2].lora_r, parsed[2].lora_alpha, parsed[2].lora_dropout], "targets": parsed[2].lora_target_modules,
    "learning_rate": parsed[1].learning_rate, "beta": getattr(parsed[1], "beta", None),
}  # fmt: skip
print(json.dumps(told))
from trl.trainer.base_trainer import _BaseTrainer  # noqa: E402

train = _BaseTrainer.train


def _told(self, *arguments, **more):  # type: ignore[no-untyped-def]
    for name, rows in (("train", self.train_dataset), ("validation", self.eval_dataset)):
        for row in rows or []:
            tokens = row.get("input_ids") or row["prompt_ids"] + (row.get("chosen_ids") or row["completion_ids"])
            labels = row.get("labels") or row.get("completion_mask") or tokens
            masks = row.get("assistant_masks") or [label not in (-100, 0) for label in labels]
            kept = [token for token, mask in zip(tokens, masks, strict=False) if mask]
            told = {"trained": self.processing_class.decode(kept), "all": self.processing_class.decode(tokens)}
            print(json.dumps({"dataset": name, **told}))
    return train(self, *arguments, **more)


_BaseTrainer.train = _told
script.main(*parsed)
print(json.dumps({"saved": sorted(path.name for path in Path(parsed[1].output_dir).iterdir())}))
