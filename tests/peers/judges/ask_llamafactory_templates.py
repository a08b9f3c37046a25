"""Runs in the peers' environment: the template that LLaMA-Factory gives each model of its list, by its path."""

import json
import os

os.environ["DISABLE_VERSION_CHECK"] = "1"
from llamafactory.extras.constants import DEFAULT_TEMPLATE, SUPPORTED_MODELS

paths = {name: next(iter(sources.values())) for name, sources in SUPPORTED_MODELS.items()}
print(json.dumps({path: DEFAULT_TEMPLATE[name] for name, path in paths.items() if name in DEFAULT_TEMPLATE}))
