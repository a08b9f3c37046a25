"""What Hydra tells of a configuration: the composed text, where it comes from, which groups and options there are."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from dsforge.errors import ConfigError, did_you_mean
from dsforge.train.app import Origin, compose_plain, hydra_of, one_line, quote_paths


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(one_line(error)) from error


def config_text(kind: str, overrides: list[str], origin: Origin, package: str = "", *, resolve: bool = False) -> str:
    """The composed configuration as YAML: of the `job` (checked and resolved), of `hydra`, or `all` of it.

    With `package` only the section of that dotted name.

    Raises:
        ConfigError: an unknown key, option or section, or Hydra refuses the overrides.
    """
    plain = compose_plain(overrides, origin)
    if kind != "job":
        plain = _with_hydra(overrides, origin, resolve=resolve)
        plain = {"hydra": plain["hydra"]} if kind == "hydra" else plain
    text = yaml.safe_dump(_section(plain, package), sort_keys=False, allow_unicode=True)
    return text.removesuffix("...\n")


def _section(plain: Any, package: str) -> Any:
    for name in filter(None, package.split(".")):
        if not isinstance(plain, dict) or name not in plain:
            known = did_you_mean(name, map(str, plain)) if isinstance(plain, dict) else ""
            raise ConfigError(f"--package {package}: no section {name!r}{known}")
        plain = plain[name]
    return plain


def _with_hydra(overrides: list[str], origin: Origin, *, resolve: bool) -> Any:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    with _errors_in_one_line():
        config = hydra_of(origin).compose_config(
            config_name=origin.name,
            overrides=quote_paths(overrides),
            run_mode=RunMode.RUN,
            with_log_configuration=False,
        )
        if resolve:
            config.hydra.job.num, config.hydra.job.id = 0, "0"  # of a sweep they are known once it runs
        HydraConfig.instance().set_config(config)  # what ${hydra:...} refers to
        return OmegaConf.to_container(config, resolve=resolve, enum_to_str=True)


def show_info(kind: str, overrides: list[str], origin: Origin) -> None:
    """Print, through Hydra's log, what it knows of plugins, search path, defaults and configuration."""
    compose_plain(overrides, origin)
    with _errors_in_one_line():
        hydra_of(origin).show_info(kind, config_name=origin.name, overrides=quote_paths(overrides))


def hydra_help(overrides: list[str], origin: Origin) -> None:
    """Print every group of dsforge's with its options, then Hydra's own help with its groups."""
    from hydra._internal.utils import get_args_parser

    hydra = hydra_of(origin)
    with _errors_in_one_line():
        sys.stdout.write("== Groups and their options ==\n")
        sys.stdout.write(hydra.format_config_groups(lambda group: not group.startswith("hydra")) + "\n")
        hydra.hydra_help(
            config_name=origin.name,
            args_parser=get_args_parser(),
            args=argparse.Namespace(overrides=quote_paths(overrides)),
        )


def completions(overrides: list[str], word: str, origin: Origin) -> list[str]:
    """What `word` can become behind `overrides`: a group or key with `=` or `.` behind it, or an option or value."""
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    plugin = DefaultCompletionPlugin(hydra_of(origin).config_loader)
    with _errors_in_one_line():
        found = plugin._query(config_name=origin.name, line=" ".join([*overrides, word]))
    return [text for text in found if text != "hydra"]
