"""Runs in the peers' environment: LLaMA-Factory's parser, converters and processors over each case.

argv: the cases, a folder, a tokenizer. The dataset_info.json is one that lists every column that there is.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dry_run_cases import judge_cases, load_rows, verdict_of
from llamafactory.data.converter import align_dataset
from llamafactory.data.loader import _get_dataset_processor
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from transformers import AutoTokenizer

COLUMNS = {"instruction": "prompt", "input": "query", "output": "response", "text": "prompt",
           "conversations": "messages", "messages": "messages", "label": "kto_tag"}  # fmt: skip
BESIDE = ("system", "tools", "images", "chosen", "rejected", "kto_tag", "history")
TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
        "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}  # fmt: skip
OPENAI = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
          "observation_tag": "tool", "function_tag": "function", "system_tag": "system"}  # fmt: skip
STAGES = {"sft": "sft", "dpo": "rm", "kto": "kto", "text": "pt"}
data_args = SimpleNamespace(
    template="qwen", tool_format=None, default_system=None, train_on_prompt=False, mask_history=False, packing=False,
    neat_packing=False, cutoff_len=2048, enable_thinking=True, preserve_thinking=False, streaming=False,
    preprocessing_num_workers=None, overwrite_cache=True, media_dir=".",
)  # fmt: skip
tokenizer = AutoTokenizer.from_pretrained(sys.argv[3])
template = get_template_and_fix_tokenizer(tokenizer, data_args)


def entry_of(rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    keys = set().union(*rows)
    entry: dict[str, Any] = {"file_name": "rows.jsonl", "ranking": kind == "dpo"}
    entry["columns"] = {COLUMNS[key]: key for key in COLUMNS if key in keys} | {
        key: key for key in BESIDE if key in keys
    }
    if "messages" in keys:
        messages = [message for row in rows for message in row["messages"]]
        called = any("tool_calls" in message or message["role"] == "tool" for message in messages)
        return {**entry, "formatting": "openai" if called else "sharegpt", "tags": OPENAI}
    return {**entry, "formatting": "sharegpt", "tags": TAGS} if "conversations" in keys else entry


def judge(rows: list[dict[str, Any]], kind: str, place: Path) -> tuple[str, str]:
    (attribute,) = get_dataset_list(["case"], {"case": entry_of(rows, kind)})
    aligned = align_dataset(load_rows(rows, place), attribute, data_args, SimpleNamespace(local_process_index=0))
    processor = _get_dataset_processor(data_args, STAGES[kind], template, tokenizer, None)
    made = processor.preprocess_dataset(aligned[:])
    labels = made.get("labels") or made.get("chosen_labels") or made.get("input_ids") or []
    tokens = made.get("input_ids") or made.get("chosen_input_ids") or []
    seen = "".join(tokenizer.decode(one) for one in tokens) + f" kto_tags={made.get('kto_tags')}"
    return verdict_of(len(rows), labels), seen


judge_cases(judge)
