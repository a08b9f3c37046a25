"""`dsforge formats`: what formats there are and what each can hold."""

from __future__ import annotations

import typer

from dsforge.cli.output import JSON_FLAG, Output

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    name: str = typer.Argument("", metavar="[FORMAT]", help="Explain this format."),
    as_json: bool = JSON_FLAG,
) -> None:
    """List the formats, or explain one: an example row and what it can and cannot hold."""
    from dsforge.feature import Feature
    from dsforge.formats.format import all_formats, get_format

    out = Output(as_json)
    chosen = [get_format(name)] if name else list(all_formats().values())
    if not name:
        out.table(["format", "what it is"], [(fmt.name, fmt.summary) for fmt in chosen])
    for fmt in chosen if name else []:
        lost = sorted(feature.value for feature in set(Feature) - fmt.holds)
        out.say(f"{fmt.name}: {fmt.summary}\n\n  {fmt.example}\n")
        out.say("cannot hold: " + (", ".join(lost) or "nothing is beyond it"))
    listed = [{"name": fmt.name, "summary": fmt.summary, "holds": sorted(f.value for f in fmt.holds)} for fmt in chosen]
    out.result("formats", 0, 0, 0, formats=listed)
