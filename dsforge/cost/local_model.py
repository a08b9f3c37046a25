"""A model to be trained on one's own GPUs: a registered one, or a folder with a config.json."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from dsforge.cost.config_json import UnknownArchitecture, config_path, is_path, model_from, read_model
from dsforge.cost.parameters import count_parameters
from dsforge.cost.setup import Setup
from dsforge.errors import ConfigError
from dsforge.targets.load import find_model
from dsforge.targets.profile import Model

ALIKE = 0.01
"""How far the closed form's total may be from an unknown architecture's for its work and memory to be told by it."""


def local_model(name: str) -> Model | None:
    """The geometry of a registered model or of the config.json that a path names; None where it is neither.

    Raises:
        ConfigError: the path holds no config.json that can be read as a geometry.
    """
    return find_model(name) or (_read_or_build(name) if is_path(name) else None)


def _can_build() -> bool:
    return all(find_spec(module) for module in ("torch", "transformers", "peft"))


def _read_or_build(name: str) -> Model:
    try:
        return read_model(name)
    except UnknownArchitecture:
        if not _can_build():
            raise
        return _from_transformers(name)


@cache
def _from_transformers(name: str) -> Model:
    """The geometry of an architecture that has no closed form of its own, where the common one nearly gives its total.

    Raises:
        ConfigError: transformers does not have it, or it is built otherwise than a decoder with gated MLP.
    """
    from dsforge.models.build import build_model, read_config, standard_geometry

    path = config_path(name)
    config = read_config(path)
    model = model_from(path, config.model_type, standard_geometry(config))
    ours, theirs = count_parameters(model).total, build_model(config).num_parameters()
    if abs(ours / theirs - 1) > ALIKE:
        raise ConfigError(
            f"{path}: a {config.model_type} model is built otherwise than the closed form says: it has {theirs:,} "
            f"parameters, not {ours:,}"
        )
    return model


def _built(model: Model, setup: Setup) -> tuple[int, int]:
    """Parameters of a model and of its adapter, built on the meta device.

    Raises:
        ConfigError: transformers does not have the architecture.
    """
    from dsforge.models.build import ALL_LINEAR, count_built

    built = count_built(model.path, setup.rank, setup.targets or ALL_LINEAR)
    return built.parameters, 0 if setup.is_full else built.adapter


def check_count(name: str, model: Model, setup: Setup) -> str:
    """How the parameters of a model were counted, for the reader; "" for a registered one, which the tests count.

    Where torch, transformers and PEFT are installed the model is built and counted; else the closed form stands alone.
    """
    if not is_path(name) or find_model(name):
        return ""
    ours = (count_parameters(model).total, setup.adapter(model))
    counts = f"{ours[0]:,} parameters" + (f", {ours[1]:,} in the adapter" if ours[1] else "")
    if not _can_build():
        return f"{name}: {counts}, by closed form; with dsforge[train] installed the model is built and counted"
    try:
        built = _built(model, setup)
    except ConfigError as error:
        return f"{name}: {counts}, by closed form ({error})"
    if built == ours:
        return f"{name}: {counts}, as transformers and PEFT count them"
    return (
        f"{name}: {counts} by closed form, but transformers counts {built[0]:,} and PEFT {built[1]:,}: memory and time "
        "are off by as much"
    )
