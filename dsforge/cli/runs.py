"""`dsforge runs`: what runs and sweeps came to, side by side."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import JSON_FLAG, Output, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsforge.train.runs import Found, Run

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_MOST_SETTINGS = 4  # columns of the table in a terminal; --json and --report have them all
_CELL = 36  # characters
_WIDTH = 120  # columns where the output is no terminal
_ALWAYS = ("=rows", "=loss", "=validation loss")


@app.command(epilog="dsforge runs --sort 'validation loss' --report sweep.html")
def command(
    folders: list[str] = typer.Argument(None, metavar="[FOLDER...]", help="Folders with runs [default: runs]."),
    sort: str = typer.Option(
        "", "--sort", metavar="COLUMN", help="A column: name, loss, 'validation loss', a measure or a setting."
    ),
    report: str = typer.Option(
        "", "--report", metavar="PAGE.html", help="Write a page with the table, parallel axes and the losses."
    ),
    as_json: bool = JSON_FLAG,
) -> int:
    """List the runs of dsforge train, with the settings in which they differ and what they came to."""
    from dsforge.train.runs import arranged, find_runs

    out = Output(as_json)
    found = find_runs(folders or ["runs"])
    if sort:
        found.runs = arranged(found.runs, sort)
    heads, lines = _table(found.runs)
    if found.runs:
        _show(out, found.runs, heads, lines)
    for each in found.unfinished:
        at = f"its last checkpoint is of step {each.steps:,}" if each.steps else "it has no checkpoint yet"
        out.say(f"not finished: {each.folder} ({at}; the same dsforge train command goes on with it)")
    for problem in found.damaged:
        out.note(f"dsforge: {problem}")
    if report:
        from dsforge.train.runs_page import write_runs_page

        write_runs_page(report, found, heads, lines)
        out.note(f"dsforge: wrote {report}")
    count = len(found.runs) + len(found.unfinished) + len(found.damaged)
    out.result("runs", count, len(found.runs), len(found.damaged), **_result(found), report=report or None)
    return 0


def _table(runs: Sequence[Run]) -> tuple[list[str], list[list[str]]]:
    """All columns: what each run is, the settings that differ, and results; a = before a head stands for numbers."""
    from dsforge.train.runs import differing, measures, result, told

    shown = ("model.path", "model.kind", "method.name", "peft.name")  # by columns of their own
    settings = {name: values for name, values in differing(runs).items() if name not in shown}
    words = ["loss", "validation loss", *measures(runs), "seconds", "tokens/s"]
    words = [word for word in words if any(result(run, word) is not None for run in runs)]
    heads = ["name", "model", "method", "peft", "=rows", *settings, *(f"={word}" for word in words)]
    lines = []
    for at, run in enumerate(runs):
        config, of_setting = run.record.config, [told(values[at]) for values in settings.values()]
        lines.append([
            run.record.name, run.model, str(config["method"]["name"]), str(config["peft"]["name"]),
            f"{run.record.data.rows_used:,}", *of_setting, *(_number(word, result(run, word)) for word in words),
        ])  # fmt: skip
    return heads, lines


def _number(word: str, value: float | None) -> str:
    if value is None:
        return "-"
    if word in ("tokens/s", "seconds"):
        return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
    return f"{value:.4f}" if "loss" in word else f"{value:.1%}"


def _show(out: Output, runs: Sequence[Run], heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from dsforge.train.runs import differing

    settings = [head for head in heads if head in differing(runs)]
    hidden = set(settings[_MOST_SETTINGS:])
    if "=validation loss" in heads:
        hidden.add("=held-out loss")  # of the same rows
    told_once = ("model", "method", "peft")
    same = {head for at, head in enumerate(heads) if head in told_once and len({line[at] for line in lines}) == 1}
    if same:
        told = (f"{head} {lines[0][at]}" for at, head in enumerate(heads) if head in same)
        out.say(f"{'all runs' if len(runs) > 1 else 'run'}: {', '.join(told)}")
    kept = [at for at, head in enumerate(heads) if head not in hidden and head not in same]
    cells = [[_clipped(line[at]) for at in kept] for line in lines]
    shown = [_short(heads[at], heads) for at in kept]
    out_of_room = _without_room(shown, cells)
    fitting = [at for at in range(len(shown)) if at not in out_of_room]
    out.table([shown[at] for at in fitting], [[line[at] for at in fitting] for line in cells])
    if more := [*settings[_MOST_SETTINGS:], *(shown[at].removeprefix("=") for at in sorted(out_of_room))]:
        out.say(f"not shown for want of room: {', '.join(more)}; --report and --json have all")


def _without_room(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> set[int]:
    """The results, the last first, that the width of the terminal does not hold."""
    columns = zip(*lines, strict=True)
    widths = [
        max(len(head.removeprefix("=")), *map(len, column)) + 3 for head, column in zip(heads, columns, strict=True)
    ]
    room = shutil.get_terminal_size((_WIDTH, 0)).columns if sys.stdout.isatty() else _WIDTH
    left_out: set[int] = set()
    for at in reversed(range(len(heads))):
        if sum(width for each, width in enumerate(widths) if each not in left_out) <= room:
            break
        if heads[at].startswith("=") and heads[at] not in _ALWAYS:
            left_out.add(at)
    return left_out


def _short(head: str, heads: Sequence[str]) -> str:
    """A setting without its section, where that leaves no doubt."""
    last = head.rpartition(".")[2]
    return last if sum(other.rpartition(".")[2] == last for other in heads) == 1 else head


def _clipped(cell: str) -> str:
    cell = printable(cell)
    return cell if len(cell) <= _CELL else f"{cell[: _CELL - 1]}…"


def _result(found: Found) -> dict[str, object]:
    """The runs for programs; measures have their intervals."""
    from msgspec import to_builtins

    from dsforge.train.runs import differing

    runs = found.runs
    return {
        "runs": [
            {
                "name": run.record.name, "folder": str(run.folder), "model": run.model,
                "method": run.record.config["method"]["name"], "peft": run.record.config["peft"]["name"],
                "rows": run.record.data.rows_used, "steps": run.record.losses[-1][0] if run.record.losses else 0,
                "final_loss": run.record.final_loss, "validation_loss": run.validation_loss,
                "seconds": run.record.seconds, "tokens_per_second": run.record.tokens_per_second,
                "metrics": to_builtins(run.metrics),
                "settings": {name: values[at] for name, values in differing(runs).items()},
            }
            for at, run in enumerate(runs)
        ],
        "unfinished": [{"folder": str(each.folder), "steps": each.steps} for each in found.unfinished],
        "damaged": found.damaged,
    }  # fmt: skip
