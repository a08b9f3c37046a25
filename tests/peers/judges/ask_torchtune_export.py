"""Runs in the peers' environment, in an exported folder: the script's words over torchtune's own configuration.

argv: none. A line with the merged configuration and the keys that its configuration does not know, then a line a row:
the messages as torchtune makes them, and which of them it trains.
"""

import ast
import json
import os
import shlex
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import datasets
from omegaconf import OmegaConf

ROOT = Path(find_spec("torchtune").submodule_search_locations[0])


def _package(name: str, place: Path) -> None:
    """A package of modules alone: what its own __init__ would import is not needed."""
    module = ModuleType(name)
    module.__path__, module.__spec__ = [str(place)], ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module


for package in ("torchtune", "torchtune.data", "torchtune.modules"):
    _package(package, ROOT.parent / package.replace(".", "/"))
transforms = ModuleType("torchtune.modules.transforms")
transforms.Transform = object
sys.modules["torchtune.modules.transforms"] = transforms

from torchtune.data._messages import OpenAIToMessages, validate_messages  # noqa: E402

datasets.disable_progress_bars()
text = Path("train.sh").read_text(encoding="utf-8").partition("exec ")[2].replace("\\\n", " ")
tune, run, recipe, option, name, *overrides = shlex.split(text)
assert (tune, run, option) == ("tune", "run", "--config"), text
recipes = ROOT.parent / "recipes"
assert (recipes / f"{recipe}.py").is_file(), recipe
shipped = OmegaConf.load(recipes / "configs" / f"{name}.yaml")
merged = OmegaConf.merge(shipped, OmegaConf.from_dotlist(overrides))
read = (recipes / f"{recipe}.py").read_text(encoding="utf-8")
strange = []
for override in overrides:
    key = override.partition("=")[0]
    section = key.partition(".")[0]
    known = OmegaConf.select(shipped, key, default="?") != "?" or section in ("dataset", "optimizer", "lr_scheduler")
    if not known and section != "model":
        strange.append(key)
    assert section in shipped or section in read, key
package, _, builder = merged.model._component_.rpartition(".")
builders = ast.parse((ROOT.parent / package.replace(".", "/") / "_model_builders.py").read_text(encoding="utf-8"))
(made,) = [node for node in builders.body if isinstance(node, ast.FunctionDef) and node.name == builder]
strange += sorted(set(merged.model) - {"_component_"} - {argument.arg for argument in made.args.args})
print(json.dumps({"strange": strange, **OmegaConf.to_container(merged, resolve=True)}))
rows = datasets.load_dataset(
    "json", data_files=merged.dataset.data_files, split="train", cache_dir=os.environ["HF_HOME"]
)
for row in rows:
    messages = OpenAIToMessages(train_on_input=merged.dataset.train_on_input)(row)["messages"]
    validate_messages(messages)
    print(
        json.dumps({"messages": [[m.role, m.text_content] for m in messages], "masked": [m.masked for m in messages]})
    )
