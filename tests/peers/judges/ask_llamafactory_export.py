"""Runs in the peers' environment, in an exported folder: LLaMA-Factory's parser of arguments, and what it reads.

argv: none. A line with the arguments that were parsed, then a line of JSON a row of the training file.
"""

import json
import os
import sys

os.environ["DISABLE_VERSION_CHECK"] = "1"  # it wants transformers up to 5.6, those here are ours
from types import SimpleNamespace

import datasets
from llamafactory.data.converter import align_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams.parser import get_train_args, read_args
from transformers import AutoTokenizer

datasets.disable_progress_bars()
sys.argv = ["train", "train.yaml"]
arguments = read_args()
arguments["use_cpu"] = True
model, data, training, finetuning, _ = get_train_args(arguments)
told = {
    "model": model.model_name_or_path, "stage": finetuning.stage, "type": finetuning.finetuning_type,
    "lora": [finetuning.lora_rank, finetuning.lora_alpha, finetuning.lora_dropout],
    "targets": finetuning.lora_target, "cutoff_len": data.cutoff_len, "learning_rate": training.learning_rate,
    "warmup": training.get_warmup_steps(100), "output_dir": training.output_dir, "seed": training.seed,
    "eval_strategy": training.eval_strategy, "checkpointing": not model.disable_gradient_checkpointing,
    "beta": finetuning.pref_beta, "loss": finetuning.pref_loss,
}  # fmt: skip
print(json.dumps(told))
get_template_and_fix_tokenizer(AutoTokenizer.from_pretrained(model.model_name_or_path), data)
place = SimpleNamespace(local_process_index=0)
data.overwrite_cache, data.preprocessing_num_workers = True, 1
for name in data.dataset + (data.eval_dataset or []):
    (attribute,) = get_dataset_list([name], data.dataset_dir)
    path = f"{data.dataset_dir}/{attribute.dataset_name}"
    raw = datasets.load_dataset("json", data_files=path, split="train", cache_dir=os.environ["HF_HOME"])
    for row in align_dataset(raw, attribute, data, place):
        print(json.dumps({"dataset": name, **row}, ensure_ascii=False))
