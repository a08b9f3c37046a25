"""`dsforge targets`: where models can be trained, and what each place takes, by which source and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from dsforge.cli.output import JSON_FLAG, Output

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_HEAD = ("name", "title", "kind", "notice", "source", "as_of", "models", "sources")
_CHOSEN = ("severities", "traps", "default_model")
"""Fields that dsforge itself decides."""
_ALWAYS = ("name", "title", "kind", "notice", "source", "as_of", "formats", "trains", "over_limit", "models")


@app.command()
def command(
    name: str = typer.Argument("", metavar="[TARGET]", help="Tell everything of this one: zhipu, zhipu/glm-4-air ..."),
    as_json: bool = JSON_FLAG,
) -> None:
    """List the platforms and trainers, or tell what one takes: formats, models, limits, with sources and dates."""
    from dsforge.targets.load import all_facts, load_target, stale
    from dsforge.targets.profile import Target

    out = Output(as_json)
    chosen = [load_target(name)] if name else list(all_facts(Target))
    if name:
        _explain(out, chosen[0])
    else:
        _list(out, chosen)
    for target in chosen:
        if warning := stale(target, f"the facts on {target.title}"):
            out.note(f"dsforge: {warning}")
    out.result("targets", 0, 0, 0, targets=[_described(target) for target in chosen])


def _list(out: Output, targets: list[Target]) -> None:
    out.table(
        ["name", "what it is", "kind", "formats", "models", "limits", "longer rows"],
        [[target.name, target.title, target.kind, ", ".join(target.formats), _models(target), _limits(target),
          target.over_limit] for target in targets],
    )  # fmt: skip
    for target in targets:
        if target.notice:
            out.say(f"{out.style(target.name, 'bold')}: {target.notice}")
    out.say("dsforge targets TARGET tells all of one; dsforge lint FILE --target TARGET checks a file against it.")


def _models(target: Target) -> str:
    count = len(target.models)
    if not count:
        return "any"
    return f"{count} and others" if target.other_models else str(count)


def _limits(target: Target) -> str:
    tokens = [limit for model in target.models if (limit := target.max_tokens(model))]
    limits = []
    if target.min_rows:
        limits.append(f"{target.min_rows:,} rows at least")
    if target.file.max_rows:
        limits.append(f"{target.file.max_rows:,} rows")
    if target.file.max_bytes:
        limits.append(size(target.file.max_bytes))
    if tokens:
        span = f"{min(tokens):,} to {max(tokens):,}" if min(tokens) < max(tokens) else f"{tokens[0]:,}"
        limits.append(f"{span} tokens a row")
    return ", ".join(limits) or "none stated"


def size(count: int) -> str:
    """Bytes in the largest unit that gives a whole number: `512 MB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if count >= factor and count % factor == 0:
            return f"{count // factor:,} {unit}"
    return f"{count:,} bytes"


def _explain(out: Output, target: Target) -> None:
    notes = _Notes(target)
    out.say(f"{out.style(target.name, 'bold')}: {target.called} ({target.kind})")
    if target.notice:
        out.say(f"notice: {target.notice}{notes.mark('notice')}")
    out.say()
    for field, value in target.model_dump(mode="json", exclude_defaults=True).items():
        if field not in _HEAD:
            for line in _lines(field, value, notes):
                out.say(line)
    if target.models:
        out.say()
        out.table(
            ["model", "method", "trained on", "also takes", "tokens a row", "differs in"],
            [_model_row(target, model, notes) for model in target.models if target.model in ("", model)],
        )
    if target.other_models:
        out.say("Other models are trained too; what holds for all of them is checked.")
    out.say()
    for line in notes.lines():
        out.say(line)


class _Notes:
    """Numbers the sources of a target's facts, in the order in which they are told."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._numbers: dict[tuple[str, date], int] = {}

    def mark(self, fact: str) -> str:
        """The number of a fact's source, as ` [1]`."""
        origin = self._target.origin(fact)
        return f" [{self._numbers.setdefault(origin, len(self._numbers) + 1)}]"

    def lines(self) -> Iterator[str]:
        """Each source with its number and its day."""
        return (f"[{number}] {source}, {day}" for (source, day), number in self._numbers.items())


def _lines(field: str, value: Any, notes: _Notes) -> Iterator[str]:
    """A field of a profile with its source; a group with a line to each of its own."""
    if not isinstance(value, dict):
        yield f"{field:<20}{_said(value)}{'' if field in _CHOSEN else notes.mark(field)}"
        return
    yield field
    for name, part in value.items():
        if name not in ("source", "as_of"):
            mark = "" if field in _CHOSEN else notes.mark(f"{field}.{name}")
            yield f"  {name:<17} {_said(part)}{mark}"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


_TOLD = {"methods", "full_only", "trains", "takes", "max_tokens", "max_tokens_full"}


def _model_row(target: Target, model: str, notes: _Notes) -> list[str]:
    from typing import get_args

    from dsforge.targets.constraints import DataKind

    said = target.models[model]
    takes = [f"{kind} (full training)" if kind in said.full_only else str(kind)
             for kind in get_args(DataKind) if target.fits(kind, model)]  # fmt: skip
    stated = said.takes is not None or target.takes is not None
    tokens = {method: target.max_tokens(model, method) for method in ("lora", "full")}
    limit = f"{tokens['lora']:,}" if tokens["lora"] else "not stated"
    if tokens["full"] != tokens["lora"]:
        limit += f" (full: {tokens['full']:,})"
    return [
        model + notes.mark(f"models.{model}"),
        ", ".join(said.methods) or "not stated",
        ", ".join(said.trains or target.trains),
        (", ".join(takes) or "text alone") if stated else "not stated",
        limit,
        ", ".join(sorted(said.model_fields_set - _TOLD)),
    ]


def _described(target: Target) -> dict[str, Any]:
    """The profile without what it does not state, but for the fields that every target has.

    `sources` has the source and day of every fact: by field, field of a group (`file.max_bytes`) or model.
    """
    said = target.model_dump(mode="json", exclude_defaults=True)
    always = target.model_dump(mode="json", include=set(_ALWAYS), exclude={"models"})
    models = {name: model.model_dump(mode="json", exclude_defaults=True) for name, model in target.models.items()}
    facts = [fact for field, value in {**always, **said}.items() if field not in _HEAD or field == "notice"
             for fact in _facts(field, value) if field not in _CHOSEN]  # fmt: skip
    sources = {}
    for fact in [*facts, *(f"models.{name}" for name in models)]:
        source, day = target.origin(fact)
        sources[fact] = {"source": source, "as_of": day.isoformat()}
    return {**always, **said, "models": models, "sources": sources}


def _facts(field: str, value: Any) -> list[str]:
    """The names of what a field of a profile says."""
    if not isinstance(value, dict):
        return [field]
    return [f"{field}.{name}" for name in value if name not in ("source", "as_of")]
