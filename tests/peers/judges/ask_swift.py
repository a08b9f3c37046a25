"""Runs in the peers' environment: ms-swift's load_dataset, strict, over the files of argv. One line of JSON a row."""

import json
import sys

import datasets
from swift.dataset import load_dataset

datasets.disable_progress_bars()
rows, _ = load_dataset(sys.argv[1:], strict=True, load_from_cache_file=False, download_mode="force_redownload")
for row in rows:
    sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
