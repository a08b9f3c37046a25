"""Runs in the peers' environment: LLaMA-Factory's parser, converter and formatters over a file, as its trainer does.

argv: the folder of a dataset_info.json, the names of datasets in it. One line of JSON a row.
"""

import json
import sys
from types import SimpleNamespace

import datasets
from llamafactory.data.converter import align_dataset
from llamafactory.data.formatter import FunctionFormatter, ToolFormatter
from llamafactory.data.parser import get_dataset_list

datasets.disable_progress_bars()
folder, *names = sys.argv[1:]
data = SimpleNamespace(media_dir=folder, streaming=False, preprocessing_num_workers=1, overwrite_cache=True)
training = SimpleNamespace(local_process_index=0)
call_formatter = FunctionFormatter(slots=["{{content}}"], tool_format="qwen")
tool_formatter = ToolFormatter(tool_format="qwen")
for attribute in get_dataset_list(names, folder):
    path = f"{folder}/{attribute.dataset_name}"
    raw = datasets.load_dataset("json", data_files=path, split="train", cache_dir=f"{folder}/cache")
    for row in align_dataset(raw, attribute, data, training):
        for turn in row["_prompt"] + row["_response"]:
            if turn["role"] == "function":
                turn["rendered"] = call_formatter.apply(content=turn["content"])
        if row["_tools"]:
            tool_formatter.apply(content=row["_tools"])
        print(json.dumps(row, ensure_ascii=False))
