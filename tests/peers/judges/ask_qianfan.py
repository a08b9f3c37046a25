"""Runs in the peers' environment: Qianfan's Dataset and its schema for conversations over each file of argv.

A line of JSON a file: whether the schema takes it as annotated, and its rows as Qianfan sees them.
"""

import json
import sys

from qianfan.dataset import Dataset
from qianfan.dataset.schema import QianfanNonSortedConversation

for path in sys.argv[1:]:
    schema = QianfanNonSortedConversation()
    dataset = Dataset.load(data_file=path)
    valid = schema.validate(dataset)
    if not dataset.is_dataset_packed():
        dataset.pack()
    rows = list(dataset.list())
    print(json.dumps({"valid": valid, "annotated": schema.is_annotated, "rows": rows}, ensure_ascii=False))
