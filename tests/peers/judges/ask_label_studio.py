"""Runs in an environment with label-studio-sdk: does a labelling configuration take tasks, predictions and annotations?

argv: the configuration, the tasks, a file of annotations. A line of JSON for each task: whether it, its predictions and
the annotation at its place fit.
"""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface

config, tasks, annotations = map(Path, sys.argv[1:])
interface = LabelInterface(config.read_text(encoding="utf-8"))
interface.validate()
given = json.loads(annotations.read_text(encoding="utf-8"))
for task, annotation in zip(json.loads(tasks.read_text(encoding="utf-8")), given, strict=True):
    print(
        json.dumps(
            {
                "task": bool(interface.validate_task({"data": task["data"]})),
                "predictions": all(interface.validate_prediction(each) for each in task["predictions"]),
                "annotation": bool(interface.validate_annotation(annotation)),
            }
        )
    )
