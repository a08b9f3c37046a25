"""How what a run left is served: the command line of vLLM, and a Modelfile for Ollama.

What either takes is stated in conf/serving with its source. A Modelfile holds a TEMPLATE only where that is exactly
what the model was trained on.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from dsforge.io.atomic import atomic_write
from dsforge.resources import resource
from dsforge.tokens.template import chatml_template
from dsforge.train.job import BASE
from dsforge.train.saved import MERGED, Saved

MODELFILE = "Modelfile"
_CHATML = """\
TEMPLATE \"\"\"{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
\"\"\"
"""
_VIRTUAL = "num_virtual_tokens"  # of PEFT's methods that put tokens before a row, and can be merged into no weights
_OWN = "the tokenizer's own"


@dataclass(frozen=True)
class Served:
    """What is to be served: the run's `name`, its `folder` as it will stand, and what it `saved` there.

    `architecture` is the class of the model, `template` the chat template that it was trained by and `origin` where
    that is from, `stop` what an answer ends with. `merged` says whether the adapter also stands merged.
    """

    name: str
    folder: Path
    saved: Saved
    architecture: str
    template: str
    origin: str
    stop: str
    merged: bool = False

    @property
    def whole(self) -> str | None:
        """The folder in the run's that holds a whole model; None where there is an adapter alone."""
        if self.merged:
            return MERGED
        return None if self.saved.is_adapter else self.saved.path.name


@lru_cache(maxsize=2)
def _facts(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load(resource("conf", "serving", f"{name}.yaml").read_text(encoding="utf-8"))
    return facts


def vllm_command(served: Served) -> str:
    """The command line that serves the run; of an adapter that vLLM does not take, that which merges it first."""
    own = served.saved.path.name
    if served.whole is not None:
        return shlex.join(["vllm", "serve", str(served.folder / served.whole), "--served-model-name", served.name])
    adapter = _adapter(served.saved)
    if reason := _not_plain(adapter):
        return f"{_merge_first(served)}  # vLLM takes no adapter {reason}; then serve {served.folder / MERGED}"
    assert served.saved.base is not None
    revision = served.saved.base.revision
    template = [] if served.origin == _OWN else ["--chat-template", str(served.folder / own / "chat_template.jinja")]
    return shlex.join([
        "vllm", "serve", served.saved.base.path, *(["--revision", revision] if revision else []),
        "--enable-lora", "--lora-modules", f"{served.name}={served.folder / own}",
        "--max-lora-rank", str(_rank(adapter)), *template,
    ])  # fmt: skip


def _rank(adapter: dict[str, Any]) -> int:
    """The rank to reserve room for."""
    largest = max([adapter["r"], *(adapter.get("rank_pattern") or {}).values()])
    ranks: list[int] = _facts("vllm")["ranks"]
    return next((rank for rank in ranks if rank >= largest), largest)


def _adapter(saved: Saved) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((saved.path / "adapter_config.json").read_bytes())
    return found


def _not_plain(adapter: dict[str, Any], *, scaled: bool = False) -> str:
    """Why an adapter is served by nobody but PEFT, "" for a plain LoRA; `scaled` ones (rsLoRA) not everywhere."""
    if adapter.get("peft_type") != "LORA":
        return f"of the type {adapter.get('peft_type')}"
    if adapter.get("use_dora"):
        return "with DoRA"
    if adapter.get("modules_to_save"):
        return "that comes with whole layers (modules_to_save)"
    if adapter.get("bias", "none") != "none":
        return "with biases"
    return "scaled by rsLoRA" if scaled and adapter.get("use_rslora") else ""


def _merge_first(served: Served) -> str:
    return shlex.join(["dsforge", "merge", str(served.folder)])


def ollama_command(served: Served) -> str:
    """What makes Ollama read the Modelfile."""
    return shlex.join(["ollama", "create", served.name.lower(), "-f", str(served.folder / MODELFILE)])


def commands(served: Served) -> dict[str, str]:
    """What talks to the run, and what serves it, by who does."""
    if served.saved.scores:
        return {}
    talk = shlex.join(["dsforge", "chat", str(served.folder)])
    if not is_served(served):
        return {"chat": talk}
    return {"chat": talk, "vllm": vllm_command(served), "ollama": ollama_command(served)}


def is_served(served: Served) -> bool:
    """Whether there is a server for it: none takes a reward model here, or tokens that were trained before each row."""
    return not served.saved.scores and (served.whole is not None or _VIRTUAL not in _adapter(served.saved))


def modelfile(served: Served) -> str:
    """The Modelfile; what has to be done before Ollama can read it stands in its comments."""
    lines = [
        f"# {served.name}, for Ollama: ollama create {served.name} -f {shlex.quote(str(served.folder / MODELFILE))}"
    ]
    lines += _from(served)
    if served.template == chatml_template():
        lines.append("# exactly what the model was trained on, of conversations without tools")
        lines.append(_CHATML.rstrip("\n"))
    else:
        lines.append(
            "# no TEMPLATE: Ollama takes the one it makes out in the model's own chat template; compare it "
            f"(ollama show --template {served.name}) with chat_template.jinja"
        )
    if served.stop:
        lines.append(f"PARAMETER stop {json.dumps(served.stop, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _from(served: Served) -> list[str]:
    """Where Ollama finds the model."""
    facts = _facts("ollama")
    if served.whole is None:
        adapter = _adapter(served.saved)
        takes = served.architecture in facts["adapters"] and not _not_plain(adapter, scaled=True)
        if takes and served.saved.base is not None:
            return [*_base(served), f"ADAPTER ./{served.saved.path.name}"]
    before = [] if served.whole else [f"# first: {_merge_first(served)}"]
    whole = served.whole or MERGED
    if served.architecture in facts["models"]:
        return [*before, f"FROM ./{whole}"]
    gguf = f"{served.name}.gguf"
    convert = shlex.join(["python", "convert_hf_to_gguf.py", str(served.folder / whole), "--outfile",
                          str(served.folder / gguf)])  # fmt: skip
    return [*before, f"# Ollama does not read {served.architecture} itself; by llama.cpp: {convert}", f"FROM ./{gguf}"]


def _base(served: Served) -> list[str]:
    assert served.saved.base is not None
    path = served.saved.base.path
    if Path(path).resolve() == (served.folder / BASE).resolve():
        return [f"FROM ./{BASE}"]
    if Path(path).is_dir():
        return [f"FROM {Path(path).resolve()}"]
    revision = f" --revision {shlex.quote(served.saved.base.revision)}" if served.saved.base.revision else ""
    where = shlex.quote(str(served.folder / "base-model"))
    return [f"# first: hf download {shlex.quote(path)}{revision} --local-dir {where}", "FROM ./base-model"]


def write_modelfile(served: Served, folder: Path) -> None:
    """Write the Modelfile into `folder`, whole or not at all."""
    with atomic_write(folder / MODELFILE) as file:
        file.write(modelfile(served).encode())
