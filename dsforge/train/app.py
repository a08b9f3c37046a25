"""Overrides of the command line to a checked configuration, by Hydra; every mistake is one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsforge.errors import ConfigError, did_you_mean
from dsforge.extras import require
from dsforge.resources import resource

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from dsforge.train.config import TrainConfig

_PRIMARY = "train"
_PATHS = ("data.path=", "data.validation=", "model.path=", "model.template=", "run.folder=")
_NEEDS_QUOTES = frozenset(" ,;:()[]{}'=#&!~")


def _groups(folder: Path) -> dict[str, list[str]]:
    return {
        group.name: sorted(option.stem for option in group.glob("*.yaml"))
        for group in sorted(folder.iterdir())
        if group.is_dir()
    }


def _parse(overrides: list[str]) -> list[Override]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        try:
            override = parser.parse_override(text)
        except HydraException as error:
            raise ConfigError(
                f"{text!r} is not an override: write KEY=VALUE, and quote a value with spaces, commas or brackets "
                f"('KEY=\"VALUE\"')"
            ) from error
        if override.is_sweep_override():
            raise ConfigError(f"{text!r} names several values, which is a sweep: give one value a run")
        parsed.append(override)
    return parsed


def quote_paths(overrides: Iterable[str]) -> list[str]:
    """Overrides with file names quoted where Hydra's grammar would trip over a space, a comma or a bracket."""
    quoted = []
    for text in overrides:
        key, equals, value = text.partition("=")
        if key + equals in _PATHS and _NEEDS_QUOTES.intersection(value) and value[:1] not in "\"'":
            text = key + equals + '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        quoted.append(text)
    return quoted


def _check_groups(chosen: Iterable[Override], groups: dict[str, list[str]]) -> None:
    for override in chosen:
        option, known = str(override.value()), groups[override.key_or_group]
        if option not in known:
            raise ConfigError(
                f"{override.input_line}: no {override.key_or_group} {option!r}{did_you_mean(option, known)}"
            )


def _keys(config: Any, prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        yield name
        if isinstance(value, dict):
            yield from _keys(value, f"{name}.")


def _check_keys(overrides: Iterable[Override], known: set[str]) -> None:
    for override in overrides:
        key = override.key_or_group
        if override.is_add() or override.is_force_add() or key in known:
            continue
        section = key.partition(".")[0]
        if section in ("trl", "peft") and "." in key and not _near(key, _leaves(known)):
            raise ConfigError(f"no key {key!r} is set yet: to add an argument of its own write +{override.input_line}")
        if key == "model.path":
            raise ConfigError("model.path and another model= were both given: leave out one of them")
        raise ConfigError(f"no key {key!r}{did_you_mean(key, _siblings(key, known))}")


def _near(key: str, known: set[str]) -> bool:
    return "did you mean" in did_you_mean(key, known)


def _leaves(known: set[str]) -> set[str]:
    return {key for key in known if "." in key}


def _siblings(key: str, known: set[str]) -> set[str]:
    """All keys where one of them is near, else those of the same section."""
    if _near(key, known):
        return known
    same = {name for name in known if name.startswith(f"{key.partition('.')[0]}.")}
    return same or {name for name in known if "." not in name}


def _say_missing(missing: set[str]) -> None:
    if missing:
        wanted = " ".join(f"{key}=..." for key in sorted(missing))
        hint = " (or model=tiny, a smoke model)" if "model.path" in missing else ""
        raise ConfigError(f"not said: {', '.join(sorted(missing))}; add {wanted}{hint}")


def _validate(plain: Any) -> TrainConfig:
    from pydantic import ValidationError

    from dsforge.train.config import TrainConfig

    try:
        return TrainConfig.model_validate(plain)
    except ValidationError as error:
        problems = []
        for found in error.errors(include_url=False):
            place = ".".join(
                str(part) for part in found["loc"] if part not in ("lora", "full", "tiny", "path_", "path")
            )
            place = f"{place}.path" if found["loc"][-1] == "path" else place
            what = found["msg"][:1].lower() + found["msg"][1:]
            problems.append(f"{place}={found['input']}: {what}" if found["type"] != "missing" else f"{place}: not said")
        raise ConfigError("; ".join(problems)) from error


def compose_plain(overrides: list[str]) -> Any:
    """The composed configuration as nested plain values, missing ones as `???`."""
    require("hydra", "train", "dsforge train")
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    folder = resource("conf", "train")
    overrides = quote_paths(overrides)
    groups = _groups(folder)
    parsed = _parse(overrides)
    chosen = [override for override in parsed if override.key_or_group in groups]
    _check_groups(chosen, groups)
    names = [override.input_line for override in chosen]
    try:
        with initialize_config_dir(config_dir=str(folder), version_base="1.3"):
            base = OmegaConf.to_container(compose(_PRIMARY, names))
            _check_keys((item for item in parsed if item not in chosen), set(_keys(base)))
            config = compose(_PRIMARY, overrides)
            return OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(" ".join(str(error).split())) from error


def _missing(plain: Any, prefix: str = "") -> Iterator[str]:
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from _missing(value, f"{prefix}{key}.")
        elif value == "???":
            yield f"{prefix}{key}"


def compose_config(overrides: list[str]) -> TrainConfig:
    """The configuration of a run from Hydra overrides such as `model=tiny` and `data.path=rows.jsonl`.

    Raises:
        ConfigError: an unknown key or option, a missing or an unfit value; the nearest known word is named.
        MissingExtraError: Hydra is not installed.
    """
    plain = compose_plain(overrides)
    _say_missing(set(_missing(plain)))
    return _validate(plain)
