"""Overrides of the command line to a checked configuration, by Hydra; every mistake is one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsforge.errors import ConfigError, did_you_mean
from dsforge.extras import require
from dsforge.resources import resource

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra
    from hydra.core.override_parser.types import Override

    from dsforge.train.config import TrainConfig

_PATHS = ("data.path=", "data.validation=", "model.path=", "model.template=", "run.folder=")
_NEEDS_QUOTES = frozenset(" ,;:()[]{}'\"=#&!~")
_SWEEP = "'dsforge[sweep]'"
_PLUGINS = {
    "hydra/launcher=joblib": ("hydra-joblib-launcher", _SWEEP),
    "hydra/launcher=submitit_local": ("hydra-submitit-launcher", _SWEEP),
    "hydra/launcher=submitit_slurm": ("hydra-submitit-launcher", _SWEEP),
    "hydra/launcher=ray": ("hydra-ray-launcher", "hydra-ray-launcher"),
    "hydra/launcher=ray_aws": ("hydra-ray-launcher", "hydra-ray-launcher"),
    "hydra/sweeper=optuna": ("hydra-optuna-sweeper", _SWEEP),
}
"""Options that Hydra's plugins bring: the package of each, and what pip installs it by."""


@dataclass(frozen=True)
class Origin:
    """Where configurations come from: dsforge's own, and a folder of the user's with groups and options beside them.

    `name` is the file that is composed, without its ending; it may be one of that folder.
    """

    folder: str = ""
    name: str = "train"


OURS = Origin()


def hydra_of(origin: Origin = OURS) -> Hydra:
    """Hydra over dsforge's configuration and the user's folder, apart from any other Hydra of this process.

    Raises:
        ConfigError: there is no such folder.
        MissingExtraError: Hydra is not installed.
    """
    require("hydra", "train", "dsforge train")
    from hydra import version
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path
    from hydra.core.config_search_path import SearchPathQuery

    version.setbase("1.3")
    path = create_config_search_path(str(resource("conf", "train")))
    if origin.folder:
        if not Path(origin.folder).is_dir():
            raise ConfigError(f"--config-dir {origin.folder}: no such folder")
        where = f"file://{Path(origin.folder).absolute()}"
        path.prepend("command-line", where, SearchPathQuery(provider="schema"))
    return Hydra("train", ConfigLoaderImpl(path))


def _parse(overrides: list[str]) -> list[Override]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for text in overrides:
        try:
            parsed.append(parser.parse_override(text))
        except HydraException as error:
            raise ConfigError(
                f"{text!r} is not an override: write KEY=VALUE, and quote a value with spaces, commas or brackets "
                f"('KEY=\"VALUE\"')"
            ) from error
    return parsed


def _refuse_sweeps(overrides: Iterable[Override]) -> None:
    for override in overrides:
        if override.is_sweep_override():
            raise ConfigError(
                f"{override.input_line!r} names several values, which is a sweep: add --multirun to run each"
            )


def quote_paths(overrides: Iterable[str], *, sweep: bool = False) -> list[str]:
    """Overrides with file names quoted where Hydra's grammar would trip over a space, a comma or a bracket.

    A list of files, as `[a.jsonl,b.jsonl]`, stays one, and in a sweep so do several values.
    """
    return [_quoted(text, sweep) for text in overrides]


def _quoted(text: str, sweep: bool) -> str:
    key, equals, value = text.partition("=")
    if not value or value[0] in "\"'" or not _trips(key + equals, value):
        return text
    if (value[0] == "[" and value[-1] == "]") or sweep:
        parsed = _parsed_or_none(text)
        if parsed is not None and (parsed.is_sweep_override() or isinstance(parsed.value(), list)):
            return text
    if value[0] == "[" and value[-1] == "]" and not Path(value).exists():
        return f"{key}=[{_each_in_quotes(value[1:-1])}]"
    if sweep and "," in value and not Path(value).exists():
        return f"{key}={_each_in_quotes(value)}"
    return f"{key}={_in_quotes(value)}"


def _trips(key: str, value: str) -> bool:
    """Whether Hydra's grammar, which knows no letters but those of ASCII, would trip over a value as it stands."""
    return not value.isascii() or (key in _PATHS and bool(_NEEDS_QUOTES.intersection(value)))


def _in_quotes(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _each_in_quotes(values: str) -> str:
    """Values with commas between them, each quoted that is not yet."""
    items = [item.strip() for item in values.split(",")]
    return ",".join(item if item[:1] in ("'", '"') else _in_quotes(item) for item in items)


def _parsed_or_none(text: str) -> Override | None:
    try:
        return _parse([text])[0]
    except ConfigError:
        return None


def _options(hydra: Hydra, group: str) -> list[str]:
    from hydra.core.object_type import ObjectType

    return list(hydra.config_loader.get_group_options(group, ObjectType.CONFIG))


def _check_groups(hydra: Hydra, overrides: Iterable[Override], more_paths: bool) -> list[Override]:
    """Those of the overrides that choose an option of a group, each of which there is."""
    chosen = []
    for override in overrides:
        group = override.key_or_group
        known = _options(hydra, group) if "." not in group else []
        if not known:
            continue
        chosen.append(override)
        for option in map(str, _values(override, known)):
            if option not in known and "/" not in option and not more_paths:
                raise _no_option(override, option, known)
    return chosen


def _no_option(override: Override, option: str, known: list[str]) -> ConfigError:
    plugin = _PLUGINS.get(f"{override.key_or_group}={option}")
    if plugin:
        package, install = plugin
        return ConfigError(f"{override.input_line} needs {package}, which is not installed: pip install {install}")
    return ConfigError(f"{override.input_line}: no {override.key_or_group} {option!r}{did_you_mean(option, known)}")


def _values(override: Override, options: Iterable[str] = ()) -> list[Any]:
    """The values that an override names one by one: one, or those of a sweep; of an interval its ends."""
    from hydra.core.override_parser.types import Glob, IntervalSweep

    value = override.value()
    if isinstance(value, IntervalSweep):
        return [value.start, value.end]
    if isinstance(value, Glob):
        return list(value.filter(list(options)))
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [value]


def _keys(config: Any, prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        yield name
        if isinstance(value, dict):
            yield from _keys(value, f"{name}.")


def _check_keys(overrides: Iterable[Override], known: set[str]) -> None:
    for override in overrides:
        key = override.key_or_group
        if override.is_add() or override.is_force_add() or key in known or override.is_hydra_override():
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


_TAGS = ("lora", "full", "adapter", "tiny", "path")
"""What pydantic adds to a place, to say which of several types it tried."""


def _validate(plain: Any) -> TrainConfig:
    from pydantic import ValidationError

    from dsforge.train.config import TrainConfig

    try:
        return TrainConfig.model_validate(plain)
    except ValidationError as error:
        problems = []
        for found in error.errors(include_url=False):
            place = ".".join(str(part) for part in found["loc"] if part not in _TAGS)
            place = f"{place}.path" if found["loc"][-1] == "path" else place
            message = found["msg"].removeprefix("Value error, ")
            what = message[:1].lower() + message[1:]
            if found["type"] == "extra_forbidden":
                problems.append(f"no key {place!r}{did_you_mean(place, _siblings(place, set(_keys(plain)) - {place}))}")
                continue
            if found["type"] == "value_error" and isinstance(found["input"], dict):  # of several fields together
                problems.append(f"{place}: {what}")
                continue
            problems.append(f"{place}={found['input']}: {what}" if found["type"] != "missing" else f"{place}: not said")
        raise ConfigError("; ".join(problems)) from error


def _plain(hydra: Hydra, origin: Origin, overrides: list[str], *, resolve: bool = True) -> Any:
    """The job's part of the composed configuration."""
    from hydra.errors import HydraException
    from hydra.types import RunMode
    from omegaconf import OmegaConf, open_dict
    from omegaconf.errors import OmegaConfBaseException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = hydra.compose_config(
                config_name=origin.name, overrides=overrides, run_mode=RunMode.RUN, with_log_configuration=False
            )
        with open_dict(config):
            del config["hydra"]
        return OmegaConf.to_container(config, resolve=resolve)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(one_line(error)) from error


def one_line(error: BaseException) -> str:
    """What Hydra says of an error, and of what lies behind it, in one line."""
    said = [str(error), str(error.__cause__ or "")]
    return "; ".join(" ".join(text.split()) for text in said if text.strip())


def _checked(hydra: Hydra, origin: Origin, overrides: list[str], parsed: list[Override]) -> None:
    """ConfigError for an option or a key that there is not."""
    more_paths = _more_paths(parsed)
    chosen = _check_groups(hydra, parsed, more_paths)
    others = [item for item in parsed if item not in chosen]
    if not others:
        return
    paths = [item.input_line for item in parsed if item.key_or_group == "hydra.searchpath"]
    known: set[str] = set()
    for names in _each_option(hydra, chosen):
        known |= set(_keys(_plain(hydra, origin, [*paths, *names], resolve=False)))
    _check_keys(others, known)


def _more_paths(parsed: Iterable[Override]) -> bool:
    """Whether there are further places for options; ConfigError where one is no folder, which Hydra only warns of."""
    places = [str(path) for item in parsed if item.key_or_group == "hydra.searchpath" for path in item.value() or []]
    for place in places:
        scheme, _, folder = place.rpartition("://")
        if scheme in ("", "file") and not Path(folder).is_dir():
            raise ConfigError(f"hydra.searchpath: no folder {folder!r}")
    return bool(places)


def _each_option(hydra: Hydra, overrides: list[Override]) -> Iterator[list[str]]:
    """The first values of all overrides, then each further one beside the first of the others."""
    values = [_values(item, _options(hydra, item.key_or_group)) or [""] for item in overrides]
    first = [_as_override(item, named[0]) for item, named in zip(overrides, values, strict=True)]
    yield first
    for index, (item, named) in enumerate(zip(overrides, values, strict=True)):
        for value in named[1:]:
            yield [*first[:index], _as_override(item, value), *first[index + 1 :]]


def _as_override(item: Override, value: Any) -> str:
    """The override with one of its values."""
    return f"{item.input_line.partition('=')[0]}={value}" if item.is_sweep_override() else str(item.input_line)


def compose_plain(overrides: list[str], origin: Origin = OURS, *, resolve: bool = True) -> Any:
    """The composed configuration as nested plain values, missing ones as `???`."""
    hydra = hydra_of(origin)
    overrides = quote_paths(overrides)
    parsed = _parse(overrides)
    _refuse_sweeps(parsed)
    _checked(hydra, origin, overrides, parsed)
    return _plain(hydra, origin, overrides, resolve=resolve)


def _missing(plain: Any, prefix: str = "") -> Iterator[str]:
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from _missing(value, f"{prefix}{key}.")
        elif value == "???":
            yield f"{prefix}{key}"


def config_of(plain: Any) -> TrainConfig:
    """The checked configuration of nested plain values.

    Raises:
        ConfigError: a value is missing or does not fit.
    """
    _say_missing(set(_missing(plain)))
    return _validate(plain)


def compose_config(overrides: list[str], origin: Origin = OURS) -> TrainConfig:
    """The configuration of a run from Hydra overrides such as `model=tiny` and `data.path=rows.jsonl`.

    Raises:
        ConfigError: an unknown key or option, a missing or an unfit value; the nearest known word is named.
        MissingExtraError: Hydra is not installed.
    """
    return config_of(compose_plain(overrides, origin))


def asks_for_sweep(overrides: list[str], origin: Origin = OURS) -> bool:
    """Whether hydra.mode, in an override or in a configuration of the user's own, says that it is a sweep."""
    if origin == OURS and not any(text.startswith("hydra.mode=") for text in overrides):
        return False
    from hydra.types import RunMode

    return bool(hydra_of(origin).get_mode(origin.name, quote_paths(overrides, sweep=True)) == RunMode.MULTIRUN)


def sweep_overrides(overrides: list[str], origin: Origin = OURS) -> tuple[list[str], list[str], TrainConfig]:
    """(overrides as Hydra's sweepers take them, keys of those that all runs share, the first run's configuration).

    Every value of every sweep is tried once, beside the first of the others: a run that cannot start is told of now.

    Raises:
        ConfigError: as for a single run.
    """
    hydra = hydra_of(origin)
    overrides = quote_paths(overrides, sweep=True)
    parsed = _parse(overrides)
    _checked(hydra, origin, overrides, parsed)
    for item in parsed:
        if item.key_or_group == "run.name" and item.is_sweep_override():
            raise ConfigError("run.name names the whole sweep: give one; its runs are numbered")
    configs = [config_of(_plain(hydra, origin, names)) for names in _each_option(hydra, parsed)]
    swept = {item.key_or_group for item in parsed if item.is_sweep_override()}
    return overrides, [item.key_or_group for item in parsed if item.key_or_group not in swept], configs[0]
