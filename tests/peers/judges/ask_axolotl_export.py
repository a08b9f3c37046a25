"""Runs in the peers' environment, in an exported folder: axolotl's schema over the configuration, and its strategies.

argv: none. A line with what the schema made of the configuration and the keys it does not know, then a line a row: what
is trained, and all of it. Its packages import trainers when they are loaded, so that its modules are taken alone.
"""

import json
import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import datasets
import yaml
from transformers import AutoTokenizer

ROOT = Path(find_spec("axolotl").submodule_search_locations[0])


def _package(name: str, place: Path) -> None:
    """A package of modules alone: what its own __init__ would import is not needed."""
    module = ModuleType(name)
    module.__path__, module.__spec__ = [str(place)], ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module


for package in ("axolotl", "axolotl.prompt_strategies", "axolotl.prompt_strategies.dpo", "axolotl.utils",
                "axolotl.utils.schemas"):  # fmt: skip
    _package(package, ROOT.parent / package.replace(".", "/"))

from axolotl.prompt_strategies.chat_template import load  # noqa: E402
from axolotl.prompt_strategies.dpo.chat_template import default  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402
from axolotl.utils.schemas.config import AxolotlConfigWCapabilities  # noqa: E402
from axolotl.utils.schemas.datasets import DPODataset, SFTDataset  # noqa: E402

datasets.disable_progress_bars()
plain = yaml.safe_load(Path("train.yaml").read_text(encoding="utf-8"))
entry = DPODataset if plain.get("rl") else SFTDataset
known = {key for name, field in AxolotlConfigWCapabilities.model_fields.items() for key in (name, field.alias)}
strange = sorted(set(plain) - known)
for dataset in plain["datasets"] + plain.get("test_datasets", []):
    strange += sorted(set(dataset) - set(entry.model_fields))
machine = {"capabilities": {"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1, "compute_capability": "sm_90"},
           "env_capabilities": {"torch_version": "2.9.0"}}  # fmt: skip
made = AxolotlConfigWCapabilities.model_validate(
    {**plain, "datasets": [entry(**dataset) for dataset in plain["datasets"]], **machine}
).model_dump(exclude_none=True, mode="json")
print(json.dumps({"strange": strange, **made}))

cfg = DictDefault(plain)
tokenizer = AutoTokenizer.from_pretrained(cfg.base_model)
for dataset in cfg.datasets + (cfg.test_datasets or []):
    assert dataset.split == "train"
    rows = datasets.load_dataset("json", data_files=dataset.path, split="train", cache_dir=os.environ["HF_HOME"])
    if cfg.rl:
        transform, _ = default(cfg)
        for row in rows:
            print(json.dumps({"dataset": dataset.path, **transform(row, tokenizer=tokenizer)}))
        continue
    strategy = load(tokenizer, cfg, ds_cfg=dataset)
    for row in rows:
        encoded = strategy.tokenize_prompt(row)
        trained = [token for token, label in zip(encoded["input_ids"], encoded["labels"], strict=True) if label != -100]
        told = {"trained": tokenizer.decode(trained), "all": tokenizer.decode(encoded["input_ids"])}
        print(json.dumps({"dataset": dataset.path, **told}))
