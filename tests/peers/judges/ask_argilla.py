"""Runs in an environment with argilla: the settings and the records of a dataset folder, read by its own code.

argv: the folder. A line of JSON: what the settings hold, then one for each record as argilla has it again.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import argilla
from argilla._models import DatasetModel
from argilla.client import Argilla

Argilla._get_default = classmethod(lambda cls: MagicMock())  # no server is asked to read a folder

folder = Path(sys.argv[1])
settings = argilla.Settings.from_json(folder / ".argilla" / "settings.json")
settings.validate()
model = DatasetModel(**json.loads((folder / ".argilla" / "dataset.json").read_text(encoding="utf-8")))
print(
    json.dumps(
        {
            "name": model.name,
            "fields": [each.name for each in settings.fields],
            "questions": [each.name for each in settings.questions],
        }
    )
)
for record in json.loads((folder / "records.json").read_text(encoding="utf-8")):
    print(json.dumps(argilla.Record.from_dict(record).to_dict()))
