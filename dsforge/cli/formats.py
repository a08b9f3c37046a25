"""`dsforge formats`: what formats there are, what each can hold, and its choices where trainers disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from dsforge.cli.output import JSON_FLAG, Output

if TYPE_CHECKING:
    from dsforge.formats.format import Format

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    name: str = typer.Argument("", metavar="[FORMAT]", help="Explain this format."),
    schema: bool = typer.Option(False, "--schema", help="Print the JSON Schema of its rows."),
    as_json: bool = JSON_FLAG,
) -> None:
    """List the formats, or explain one: an example row, what it cannot hold, and its options."""
    from dsforge.formats.format import all_formats, get_format

    if schema:
        _print_schema(name)
        return
    out = Output(as_json)
    if name == "custom":
        _explain_custom(out)
        return
    chosen = [get_format(name)] if name else list(all_formats().values())
    if not name:
        out.table(["format", "what it is"], [(fmt.name, fmt.summary) for fmt in chosen])
        out.say("dsforge formats FORMAT explains one. Rows of your own: --map prompt=FIELD --map completion=FIELD.")
    for fmt in chosen if name else []:
        _explain(out, fmt)
    out.result("formats", 0, 0, 0, formats=[_described(fmt) for fmt in chosen])


def _print_schema(name: str) -> None:
    """The schema is all that stands on standard output, with --json or without."""
    from dsforge.errors import UsageError
    from dsforge.formats.format import get_format
    from dsforge.formats.schema import schema_of, written

    if not name:
        raise UsageError("--schema needs a format, as in dsforge formats chatml --schema")
    print(written(schema_of(get_format(name))), end="")


def _explain_custom(out: Output) -> None:
    from dsforge.formats.layout import FIELDS

    out.say("custom: a layout of your own, read or (--to custom) written; paths go into objects by dots\n")
    out.say("  dsforge convert FILE --map prompt=question --map completion=answer.text --to chatml\n")
    for field, what in FIELDS.items():
        out.say(f"    --map {field + '=PATH':20} {what}")


def _explain(out: Output, fmt: Format) -> None:
    out.say(f"{fmt.name}: {fmt.summary}\n\n  {fmt.example}\n")
    if fmt.aliases or fmt.dialects:
        meant = [f"{dialect} ({_set(options)})" for dialect, options in fmt.dialects.items()]
        out.say(f"also called: {', '.join([*fmt.aliases, *meant])}")
    lost = _lost(fmt)
    out.say("cannot hold: " + (", ".join(lost) or "nothing is beyond it"))
    for option in fmt.options:
        side = " and ".join(word for word, is_so in (("read", option.read), ("written", option.write)) if is_so)
        out.say(f"\n--option {option.name}=...  {option.summary} (as {side})")
        for choice, wanted in option.choices.items():
            out.say(f"    {choice + (' *' if choice == option.default else ''):22} {wanted}")
    if fmt.options:
        out.say("\n* is the default")


def _set(options: Any) -> str:
    return ", ".join(f"{name}={choice}" for name, choice in options.items())


def _lost(fmt: Format) -> list[str]:
    from dsforge.feature import Feature

    return sorted(feature.value for feature in set(Feature) - fmt.holds)


def _described(fmt: Format) -> dict[str, Any]:
    return {
        "name": fmt.name,
        "summary": fmt.summary,
        "aliases": list(fmt.aliases),
        "dialects": {name: dict(options) for name, options in fmt.dialects.items()},
        "holds": sorted(feature.value for feature in fmt.holds),
        "options": {
            option.name: {"summary": option.summary, "default": option.default, "choices": dict(option.choices)}
            for option in fmt.options
        },
    }
