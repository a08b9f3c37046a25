"""The model card of a run: README.md beside its weights, in place of the ones that PEFT and TRL write.

It says what the run's record says and nothing else: what is not known (a licence, an intended use) is left out, for
the person who publishes the model to add.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from dsforge.io.atomic import atomic_write
from dsforge.train.figures import Figure, Metric
from dsforge.train.manifest import DataCount, Manifest
from dsforge.train.serve import Served, is_served, vllm_command

CARD = "README.md"
_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_METHODS = {
    "sft": "supervised fine-tuning", "dpo": "direct preference optimization", "kto": "Kahneman-Tversky optimization",
    "orpo": "odds ratio preference optimization", "reward": "reward modelling",
}  # fmt: skip
_SETTINGS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "per_device_train_batch_size",
    "gradient_accumulation_steps", "max_length", "beta", "loss_type",
)  # fmt: skip


def write_card(manifest: Manifest, served: Served, weights: Path) -> None:
    """Write the card into the folder of weights, whole or not at all."""
    with atomic_write(weights / CARD) as file:
        file.write(card(manifest, served, weights.name).encode())


def card(manifest: Manifest, served: Served, which: str) -> str:
    """The card of the folder `which` (adapter, model or merged) of a run."""
    is_adapter = served.saved.is_adapter and which == served.saved.path.name
    parts = [
        f"---\n{yaml.safe_dump(_metadata(manifest, served, is_adapter), sort_keys=False, allow_unicode=True)}---\n",
        f"# {manifest.name}\n",
        _opening(manifest, served, is_adapter, which),
        "## Data\n",
        "\n".join(_data(manifest)) + "\n",
        "## Training\n",
        "\n".join(_training(manifest)) + "\n",
        *_measured(manifest),
        "## Use\n",
        f"```python\n{_loader(served, is_adapter, which)}\n```\n",
    ]
    if is_served(served):
        parts.append(f"```sh\n{vllm_command(served)}\n```\n")
    return "\n".join(parts)


def _base_name(served: Served) -> str:
    return "" if served.saved.base is None else served.saved.base.path


def _on_hub(path: str) -> bool:
    return bool(_ON_THE_HUB.fullmatch(path)) and not Path(path).exists()


def _metadata(manifest: Manifest, served: Served, is_adapter: bool) -> dict[str, object]:
    """What the Hub reads; a base that is no model of the Hub would be a broken link there."""
    base = _base_name(served)
    method, peft = _of(manifest, "method", "name"), _of(manifest, "peft", "name")
    return {
        **({"base_model": base} if _on_hub(base) and _of(manifest, "model", "kind") == "path" else {}),
        "library_name": "peft" if is_adapter else "transformers",
        **({"pipeline_tag": "text-generation"} if not served.saved.scores else {}),
        "tags": [method, "trl", *([peft] if served.saved.is_adapter else []), "dsforge"],
    }


def _of(manifest: Manifest, section: str, key: str) -> str:
    return str(manifest.config[section][key])


def _opening(manifest: Manifest, served: Served, is_adapter: bool, which: str) -> str:
    method, peft = _of(manifest, "method", "name"), _of(manifest, "peft", "name")
    kind = {"tiny": "a smoke model with random weights, built on the spot: it is of no use but to try things out"}
    base = kind.get(_of(manifest, "model", "kind"), f"`{_base_name(served)}`")
    what = f"A {peft} adapter for" if is_adapter else "An adapter merged into" if which == "merged" else "Trained from"
    share = 100 * manifest.parameters_trained / max(1, manifest.parameters)
    return (
        f"{what} {base}.\n\nTrained by {_METHODS.get(method, method)} (`method={method}`, `peft={peft}`) with "
        f"[TRL](https://github.com/huggingface/trl) through dsforge: {manifest.parameters_trained:,} of "
        f"{manifest.parameters:,} weights ({share:.1f}%). Chat template: {manifest.chat_template}.\n"
    )


def _data(manifest: Manifest) -> Iterator[str]:
    yield "| | file | rows used | rejected | tokens | of them trained | SHA-256 |"
    yield "|---|---|---:|---:|---:|---:|---|"
    yield from (_file("training", count) for count in manifest.files or [manifest.data])
    if manifest.validation is not None:
        yield _file("validation", manifest.validation)


def _file(word: str, count: DataCount) -> str:
    name = Path(count.path).name.replace("|", "\\|")
    return (
        f"| {word} | `{name}` | {count.rows_used:,} | {count.rows_rejected:,} | {count.tokens:,} | "
        f"{count.tokens_trained:,} | `{count.sha256[:16]}...` |"
    )


def _training(manifest: Manifest) -> Iterator[str]:
    steps = manifest.losses[-1][0] if manifest.losses else 0
    yield f"- {steps:,} steps, {manifest.epochs:g} epochs, {manifest.train_seconds:,.0f} s on {hardware_of(manifest)}"
    if manifest.losses:
        yield f"- training loss {manifest.losses[0][1]:.4f} at the first step, {manifest.losses[-1][1]:.4f} at the last"
    if manifest.validation_losses:
        step, loss = min(manifest.validation_losses, key=lambda each: each[1])
        yield f"- lowest validation loss {loss:.4f}, at step {step:,}"
    trl = manifest.config["trl"]
    settings = {name: trl[name] for name in _SETTINGS if trl.get(name) is not None}
    peft = {key: value for key, value in manifest.config["peft"].items() if value is not None}
    for section, values in (("trl", settings), ("peft", peft), ("run", {"seed": manifest.config["run"]["seed"]})):
        yield from (f"- `{section}.{key}={_value(value)}`" for key, value in values.items())
    yield f"- Python {manifest.python}; {', '.join(f'{name} {version}' for name, version in manifest.versions.items())}"
    if manifest.git:
        yield f"- commit `{manifest.git.commit}`{', with changes on top' if manifest.git.dirty else ''}"


def hardware_of(manifest: Manifest) -> str:
    """The device, and how many where there were several."""
    devices = manifest.hardware.devices
    return manifest.hardware.device if devices == 1 else f"{devices} x {manifest.hardware.device}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _measured(manifest: Manifest) -> Iterator[str]:
    evaluation = manifest.evaluation
    if evaluation is None:
        return
    yield "## Measured\n"
    yield (
        f"Over {evaluation.rows:,} held-out rows, {evaluation.answered:,} of them answered (greedy); in brackets 95% "
        "confidence intervals.\n"
    )
    lines = ["| | base | trained | trained - base |", "|---|---|---|---|"]
    lines += [
        f"| {metric.name} | {told(metric, metric.base)} | {told(metric, metric.trained)} | "
        f"{told(metric, metric.difference, signed=True)} {f'({metric.verdict})' if metric.verdict else ''} |"
        for metric in evaluation.metrics
    ]
    yield "\n".join(lines) + "\n"


def told(metric: Metric, figure: Figure | None, *, signed: bool = False) -> str:
    """A figure of a metric with its interval, for people: shares as percentages, losses in nats."""
    if figure is None:
        return "-"
    sign = "+" if signed else ""
    if metric.lower_is_better:
        return f"{figure.value:{sign}.4f} [{figure.low:{sign}.4f}, {figure.high:{sign}.4f}]"
    value, low, high = (100 * each for each in (figure.value, figure.low, figure.high))
    return f"{value:{sign}.1f}% [{low:{sign}.1f}, {high:{sign}.1f}]"


def _loader(served: Served, is_adapter: bool, which: str) -> str:
    """How to load it, from a folder that was downloaded or is where it is."""
    kind = "SequenceClassification" if served.saved.scores else "CausalLM"
    library, loader = ("peft", f"AutoPeftModelFor{kind}") if is_adapter else ("transformers", f"AutoModelFor{kind}")
    labels = ", num_labels=1" if served.saved.scores else ""
    return (
        f"from {library} import {loader}\nfrom transformers import AutoTokenizer\n\n"
        f'model = {loader}.from_pretrained("{which}"{labels})\n'
        f'tokenizer = AutoTokenizer.from_pretrained("{which}")'
    )
