"""What commands print: text for people, or one JSON object for programs.

Standard output carries one thing only: the rows (`-o -`), the JSON object (`--json`), or the text.
Whatever is not that goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from dsforge.errors import UsageError
from dsforge.io.jsonl import dumps

INPUT = typer.Argument(..., metavar="INPUT", help="A JSONL or JSON file; - is standard input.")
JSON_FLAG = typer.Option(False, "--json", help="Print one JSON object on standard output; text goes to standard error.")
FORMAT = typer.Option("auto", "--format", show_default=False, help="The input's format [default: told from its rows].")
WORKERS = typer.Option(1, "--workers", min=1, help="Processes to work with.")

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}


class Output:
    """Where one run of a command prints, and its clock."""

    def __init__(self, as_json: bool, output: str = "", only_result: bool = False) -> None:
        if as_json and (output == "-" or only_result):
            asked = "-o -" if output == "-" else "an output format that is a document"
            raise UsageError(f"--json and {asked} both want standard output: choose one")
        self._as_json = as_json
        self._stream = sys.stderr if as_json or output == "-" or only_result else sys.stdout
        self._started = time.perf_counter()

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        print(printable(text), file=self._stream)

    def document(self, lines: Iterable[str]) -> None:
        """Print lines for a program on standard output, as they are."""
        for line in lines:
            sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()

    def note(self, text: str) -> None:
        """Print a line of progress or caution on standard error."""
        print(printable(text), file=sys.stderr)

    def style(self, text: str, name: str) -> str:
        """`text` coloured, where the stream is a terminal."""
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self._stream.isatty() else text

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; numbers are aligned to the right, and so is what stands below a head that begins with `=`."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        body = [list(row) for row in rows]
        for index, header in enumerate(headers):
            numeric = header.startswith("=") or all(isinstance(row[index], (int, float)) for row in body)
            table.add_column(header.removeprefix("="), justify="right" if numeric else "left", overflow="fold")
        for row in body:
            table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
        width = None if self._stream.isatty() else 120
        Console(file=self._stream, width=width, highlight=False, markup=False).print(table)

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return round(time.perf_counter() - self._started, 3)

    def result(self, command: str, rows_in: int, rows_out: int, rows_rejected: int, **more: Any) -> None:
        """Print the JSON object of the run, where `--json` asks for it."""
        if self._as_json:
            counts = {"rows_in": rows_in, "rows_out": rows_out, "rows_rejected": rows_rejected}
            sys.stdout.buffer.write(dumps({"command": command, **counts, "seconds": self.seconds, **more}) + b"\n")
            sys.stdout.buffer.flush()


def printable(text: str) -> str:
    """`text` with control characters from rows made visible, so that data cannot drive the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in "\n\t" or (char == "\x1b" and _is_style(text, index))
        else f"\\x{ord(char):02x}"
        for index, char in enumerate(text)
    )


def _is_style(text: str, index: int) -> bool:
    """Whether the escape character at `index` begins one of our own colour codes."""
    end = text.find("m", index, index + 5)
    return text.startswith("\x1b[", index) and end > 0 and text[index + 2 : end] in {*_CODES.values(), "0"}


def quantity(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
