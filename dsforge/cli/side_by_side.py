"""Two rows side by side, what differs marked: in colour on a terminal, else with signs of ASCII."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsforge.cli.output import Output, printable

if TYPE_CHECKING:
    from rich.text import Text

    from dsforge.dedup.difference import Stretch
    from dsforge.dedup.result import Place, Shown

_WIDTH = 120
_MARKS = (("[-", "-]"), ("{+", "+}"))
_COLOURS = ("red", "green")


def print_side_by_side(out: Output, shown: Iterable[Shown], left: str = "", right: str = "") -> None:
    """Print pairs of rows; `left` and `right` say what the rows are, before their places."""
    coloured = out.style("x", "red") != "x"
    for number, pair in enumerate(shown, 1):
        for line in side_by_side(pair, number, left, right, coloured):
            out.say(line)


def side_by_side(pair: Shown, number: int, left: str, right: str, coloured: bool) -> list[str]:
    """The lines of a table with one row on each side."""
    from rich.box import ASCII, SQUARE
    from rich.console import Console
    from rich.table import Table

    more = f", {pair.rows:,} rows in all" if pair.rows > 2 else ""
    width = shutil.get_terminal_size((_WIDTH, 0)).columns if coloured else _WIDTH
    table = Table(box=SQUARE if coloured else ASCII, width=width, expand=True)
    for side, place in ((left, pair.left), (right, pair.right)):
        table.add_column(f"{side} {_told(place)}".strip(), ratio=1, overflow="fold")
    table.add_row(*(_cell(pair.stretches, side, coloured) for side in (0, 1)))
    text = io.StringIO()
    console = Console(file=text, width=width, force_terminal=coloured, color_system="standard" if coloured else None,
                      markup=False, highlight=False)  # fmt: skip
    console.print(table)
    return [f"{number}. {pair.title}{more}", *(line.rstrip() for line in text.getvalue().splitlines())]


def _told(place: Place) -> str:
    return _visible(f"{place.path}:{place.line}")


def _cell(stretches: Iterable[Stretch], side: int, coloured: bool) -> Text:
    from rich.text import Text

    cell = Text()
    for kind, *texts in stretches:
        text = texts[side]
        said = text.rstrip()
        if kind != "changed" or not said:
            cell.append(_visible(text))
            continue
        before, after = ("", "") if coloured else _MARKS[side]
        cell.append(f"{before}{_visible(said)}{after}", _COLOURS[side])
        cell.append(text[len(said) :])
    return cell


def _visible(text: str) -> str:
    """`text` without a character that could drive the terminal."""
    return printable(text.replace("\x1b", "\\x1b"))
