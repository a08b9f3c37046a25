"""Runs in the peers' environment, in an exported folder: ms-swift's argument dataclasses, and what it reads.

argv: sft or rlhf. A line with the arguments that were parsed, then a line of JSON a row of the files.
"""

import json
import sys
from types import ModuleType

import trl

# of TRL before 1.0, which ms-swift asks for; its own PPO is all that needs it
old = ModuleType("trl.experimental.ppo")
old.PPOConfig, old.PPOTrainer = trl.DPOConfig, trl.DPOTrainer
sys.modules["trl.experimental.ppo"] = old

from swift.arguments import RLHFArguments, SftArguments  # noqa: E402
from swift.cli.main import parse_yaml_args  # noqa: E402
from swift.dataset import load_dataset  # noqa: E402
from swift.utils import parse_args  # noqa: E402

words = ["train.yaml"]
parse_yaml_args(words)
Arguments = SftArguments if sys.argv[1] == "sft" else RLHFArguments
sys.argv = ["swift", *words, "--use_cpu", "true", "--bf16", "false", "--check_model", "false"]
parsed, rest = parse_args(Arguments)
assert not rest, rest
training = parsed.training_args
told = {
    "model": parsed.model, "type": parsed.tuner_type,
    "lora": [parsed.lora_rank, parsed.lora_alpha, parsed.lora_dropout],
    "targets": parsed.target_modules, "max_length": parsed.max_length, "truncation": parsed.truncation_strategy,
    "strict": parsed.strict, "learning_rate": training.learning_rate, "warmup": training.get_warmup_steps(100),
    "output_dir": training.output_dir, "seed": training.seed, "beta": getattr(parsed, "beta", None),
    "rlhf_type": getattr(parsed, "rlhf_type", None), "eval_strategy": str(training.eval_strategy),
}  # fmt: skip
print(json.dumps(told))
train, _ = load_dataset(parsed.dataset, split_dataset_ratio=0.0, strict=parsed.strict, num_proc=1)
for row in train:
    print(json.dumps({"dataset": "train", **row}, ensure_ascii=False))
if parsed.val_dataset:
    validation, _ = load_dataset(parsed.val_dataset, split_dataset_ratio=0.0, strict=parsed.strict, num_proc=1)
    for row in validation:
        print(json.dumps({"dataset": "validation", **row}, ensure_ascii=False))
