"""Runs in the peers' environment: ms-swift's load_dataset, not strict, and its template over each case.

argv: the cases, a folder, a tokenizer.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
from dry_run_cases import judge_cases, verdict_of, write_rows
from swift.dataset import load_dataset
from swift.template import TEMPLATE_MAPPING
from transformers import AutoTokenizer

datasets.disable_progress_bars()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[3])
tokenizer.model_info = SimpleNamespace(
    config=None, model_type="qwen2", task_type="causal_lm", max_model_len=4096, torch_dtype=None, quant_method=None,
    model_dir=sys.argv[3], is_multimodal=False,
)  # fmt: skip
tokenizer.model_meta = SimpleNamespace(
    is_multimodal=False, mcore_model_type=None, is_reranker=False, template="qwen2_5", model_type="qwen2",
    additional_saved_files=[],
)  # fmt: skip
META = TEMPLATE_MAPPING["qwen2_5"]


def judge(rows: list[Any], kind: str, place: Path) -> tuple[str, str]:
    template = META.template_cls(tokenizer, META, max_length=2048)
    template.init_processor(tokenizer)
    template.set_mode("rlhf" if kind == "dpo" else "kto" if kind == "kto" else "train")
    try:
        loaded, _ = load_dataset([write_rows(rows, place)], strict=False, load_from_cache_file=False,
                                 download_mode="force_redownload")  # fmt: skip
    except ZeroDivisionError:  # no row is left
        return "dropped", ""
    labels, seen = [], ""
    for row in loaded:
        try:
            encoded = template.encode({key: value for key, value in row.items() if value is not None})
        except Exception:  # noqa: BLE001 - what fails is deleted
            continue
        labels.append(encoded.get("labels") or encoded.get("chosen_labels") or encoded.get("completion_labels") or [])
        seen += tokenizer.decode(encoded.get("input_ids") or encoded.get("chosen_input_ids") or [])
    return verdict_of(len(rows), labels), seen


judge_cases(judge)
