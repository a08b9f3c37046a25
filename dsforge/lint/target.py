"""What a target's profile means for lint: formats, limits, and what becomes of a row that is too long."""

from __future__ import annotations

from msgspec.structs import replace

from dsforge.errors import UsageError, did_you_mean
from dsforge.lint.facts import Settings
from dsforge.targets.load import load_target

_BECOMES = {
    "drop": "{title} drops the whole row",
    "truncate": "{title} cuts off what lies beyond",
    "unstated": "{title} does not say what becomes of it",
}


def for_target(settings: Settings, name: str, model: str = "") -> Settings:
    """`settings` with what the target `name` asks for; a limit that the user gave stays.

    Raises:
        UsageError: there is no such target, or it trains no such model.
    """
    target = load_target(name)
    if model and model not in target.models:
        raise UsageError(f"{target.title} trains no model {model!r}{did_you_mean(model, target.models)}")
    return replace(
        settings,
        target=target.title,
        model=model or target.default_model,
        max_tokens=settings.max_tokens or target.cut_at(model or None),
        over_limit=_BECOMES[target.over_limit].format(title=target.title),
        target_formats=target.formats,
        target_min_rows=target.min_rows or 0,
    )
