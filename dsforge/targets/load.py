"""Reads the facts of conf/facts, and profiles of one's own, with errors that name file and field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dsforge.errors import ConfigError, UsageError, did_you_mean
from dsforge.resources import resource
from dsforge.targets.constraints import Constraints, Group
from dsforge.targets.profile import STALE_DAYS, BatchService, Fact, Gpu, Model, PriceCard, Target

F = TypeVar("F", bound=Fact)

_YAML = (".yaml", ".yml")
_GROUPS = {name for name, field in Constraints.model_fields.items() if isinstance(field.default, Group)}
_OF_THE_FILE = {"name", "title", "source", "as_of", "sources"}
_MERGED = _GROUPS | {name for name, field in Constraints.model_fields.items() if isinstance(field.default, dict)}
_FOLDERS: dict[type[Fact], str] = {Target: "target", PriceCard: "price", Gpu: "gpu", Model: "model",
                                    BatchService: "batch"}  # fmt: skip


def _folder(kind: type[Fact]) -> Path:
    return resource("conf", "facts", _FOLDERS[kind])


def fact_names(kind: type[Fact]) -> list[str]:
    """The names of the shipped facts of a kind, in alphabetical order."""
    return sorted(path.stem for path in _folder(kind).glob("*.yaml"))


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        ConfigError: the file is missing, no YAML, or holds something else; file and line are named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError(f"{path}{place}: {problem}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a mapping of fields is expected, not {type(content).__name__}")
    return content


def _inherited(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The fields of a file over those of the file it extends; a group of constraints is taken over field by field.

    Source and date are never inherited: each file answers for itself, and a group that it does not touch keeps
    those of the file it comes from.
    """
    if path in seen:
        raise ConfigError(f"{path}: `extends` goes in a circle ({' -> '.join(p.stem for p in (*seen, path))})")
    content = read_mapping(path)
    base = content.pop("extends", None)
    if base is None:
        return content
    for field in ("source", "as_of"):
        if field not in content:
            raise ConfigError(f"{path}: {field} is missing: each file states its own")
    beside = path.with_name(f"{base}.yaml")
    parent = beside if beside.exists() else _folder(Target) / f"{base}.yaml"
    if not parent.exists():
        known = (found.stem for found in path.parent.glob("*.yaml"))
        raise ConfigError(f"{path}: extends {base!r}, which does not exist{did_you_mean(str(base), known)}")
    return _extended(_inherited(parent, (*seen, path)), content)


def _extended(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    origin: dict[str, Any] = {name: base[name] for name in ("source", "as_of") if name in base}
    merged = {name: {**origin, **base[name]} if name in _GROUPS and isinstance(base[name], dict) else base[name]
              for name in base}  # fmt: skip
    for name, value in given.items():
        if name in _MERGED and isinstance(value, dict) and isinstance(base.get(name), dict):
            value = {**merged[name], **value}
        merged[name] = value
    merged["sources"] = _sources(base, given, origin)
    return merged


def _sources(base: dict[str, Any], given: dict[str, Any], origin: dict[str, Any]) -> dict[str, Any]:
    """The sources of single facts, those of the file that is extended for what is taken over from it."""
    own: dict[str, Any] = {name: given[name] for name in ("source", "as_of")}
    kept = {name: origin for name in base if name not in {*given, *_OF_THE_FILE} and origin}
    kept |= {fact: source for fact, source in base.get("sources", {}).items() if fact not in given}
    for name in _GROUPS & given.keys() & base.keys():
        value = given[name] if isinstance(given[name], dict) else {}
        for part in value:  # what it adds to a group is its own
            kept.pop(f"{name}.{part}", None)
            if "source" not in value:
                kept[f"{name}.{part}"] = own
    return {**kept, **given.get("sources", {})}


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that values of a type are made of, be they optional, in a tuple or in a dict."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _fields_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The fields known at a place in a profile, for a hint at the one that was meant."""
    model = kind
    for step in location[:-1]:
        if field := model.model_fields.get(str(step)):
            model = _model_in(field.annotation) or model
    return list(model.model_fields)


def explain_problem(kind: type[BaseModel], problem: ErrorDetails) -> str:
    """One fault of a mapping that should fit `kind`, in words: the field, what was expected, what was found."""
    location = problem["loc"]
    field = ".".join(str(step) for step in location)
    if problem["type"] == "extra_forbidden":
        return f"{field} is no field{did_you_mean(str(location[-1]), _fields_at(kind, location))}"
    if problem["type"] == "missing":
        return f"{field} is missing"
    if problem["type"] == "value_error":  # raised by a validator of ours, whose words say all
        return f"{field}: {problem['ctx']['error']}" if field else str(problem["ctx"]["error"])
    return f"{field}: {problem['msg'][0].lower()}{problem['msg'][1:]}, not {problem['input']!r}"


def _explain(kind: type[BaseModel], error: ValidationError) -> str:
    return "; ".join(explain_problem(kind, problem) for problem in error.errors(include_url=False))


def read_fact(path: str | Path, kind: type[F]) -> F:
    """The fact of a kind that a YAML file holds.

    Raises:
        ConfigError: the file is missing, no YAML, or does not fit; all its faults are named at once.
    """
    content = _inherited(Path(path))
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_explain(kind, error)}") from error


@cache
def _shipped(name: str, kind: type[F]) -> F:
    return read_fact(_folder(kind) / f"{name}.yaml", kind)


def load_fact(name: str, kind: type[F]) -> F:
    """The shipped fact called `name`.

    Raises:
        UsageError: there is none of that name.
        ConfigError: its file does not fit.
    """
    if name not in fact_names(kind):
        word = "price card" if kind is PriceCard else _FOLDERS[kind]
        raise UsageError(f"no {word} {name!r}{did_you_mean(name, fact_names(kind))}")
    fact: F = _shipped(name, kind)
    return fact


def all_facts(kind: type[F]) -> Iterator[F]:
    """Every shipped fact of a kind."""
    return (_shipped(name, kind) for name in fact_names(kind))


def load_target(name: str) -> Target:
    """The target called `name`, or that of a profile of one's own (a path that ends in .yaml).

    A model may stand behind it (`zhipu/glm-4-air`, `mine.yaml/small`): the target is then as it is for that model.

    Raises:
        UsageError: there is no such target, or it trains no such model.
        ConfigError: its file does not fit.
    """
    profile, model = split_model(name)
    target = read_fact(profile, Target) if profile.endswith(_YAML) else load_fact(profile, Target)
    if not model:
        return target
    if model not in target.models and not target.other_models:
        raise UsageError(f"{target.title} trains no model {model!r}{did_you_mean(model, target.models)}")
    return target.narrowed_to(model)


def split_model(name: str) -> tuple[str, str]:
    """`(target, model)` of a name that may have both; the model is "" where it has none."""
    for suffix in _YAML:
        path, mark, model = name.rpartition(f"{suffix}/")
        if mark:
            return path + suffix, model
    if name.endswith(_YAML):
        return name, ""
    target, _, model = name.partition("/")
    return target, model


def load_prices(target: str) -> PriceCard | None:
    """The price card of a target, None where there is none."""
    return load_fact(target, PriceCard) if target in fact_names(PriceCard) else None


def load_gpu(name: str) -> Gpu:
    """The GPU called `name`."""
    return load_fact(name, Gpu)


def find_model(name: str) -> Model | None:
    """The geometry of a model by its name, path or alias (capitals do not matter), None if not registered."""
    wanted = name.lower()
    for model in all_facts(Model):
        if wanted in (model.name, model.path.lower(), *(alias.lower() for alias in model.aliases)):
            return model
    return None


def stale(fact: Fact, what: str, today: date | None = None) -> str | None:
    """A warning where `fact` is older than 90 days, None where it is fresh."""
    days = fact.age(today or date.today())
    if days <= STALE_DAYS:
        return None
    return f"{what} are of {fact.as_of}, {days} days ago: check {fact.source}"
