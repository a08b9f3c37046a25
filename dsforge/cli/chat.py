"""`dsforge chat`: a talk with what a run left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import JSON_FLAG, Output, printable
from dsforge.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dsforge.train.chat import Talk

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_HELP = "/reset forgets what was said, /exit (or Ctrl-D) ends the talk"


@app.command(epilog="dsforge chat runs/first --prompt 'Where is the lamp?'")
def command(
    run: str = typer.Argument(..., metavar="RUN", help="A run (runs/NAME), or a folder with an adapter or a model."),
    prompt: str = typer.Option("", "--prompt", metavar="TEXT", help="Ask this alone, and end."),
    system: str = typer.Option("", "--system", metavar="TEXT", help="A system prompt."),
    temperature: float = typer.Option(0.0, "--temperature", min=0, max=5, help="0 takes the likeliest token always."),
    max_tokens: int = typer.Option(512, "--max-tokens", min=1, help="The longest answer in tokens."),
    compare_base: bool = typer.Option(
        False, "--compare-base", help="Ask the model before its training too; each goes on from its own answers."
    ),
    seed: int = typer.Option(42, "--seed", min=0, help="What a temperature above 0 draws by."),
    as_json: bool = JSON_FLAG,
) -> int:
    """Talk to a run: its adapter on its base, its model, or its merged model.

    Without --prompt questions are read from the terminal; piped ones a line each, in one conversation.
    """
    from dsforge.train.chat import open_talks
    from dsforge.train.quiet import quiet_environment
    from dsforge.train.saved import find_saved, require_models

    out = Output(as_json)
    saved = find_saved(run, merged=not compare_base)
    quiet_environment()
    require_models("dsforge chat")
    out.note(f"dsforge: loading {saved.path} ...")
    talks = open_talks(saved, base=compare_base, system=system, temperature=temperature, most=max_tokens, seed=seed)
    asked = 0
    for question in _questions(out, prompt, talks):
        _answer(out, question, talks, as_json=as_json, alone=bool(prompt))
        asked += 1
    out.result("chat", asked, asked, 0, messages={name: talk.messages for name, talk in talks.items()})
    return 0


def _questions(out: Output, prompt: str, talks: dict[str, Talk]) -> Iterator[str]:
    """One given, or those typed or piped, without the commands among them."""
    if prompt:
        yield prompt
        return
    typed = sys.stdin.isatty()
    if typed:
        out.note(f"dsforge: {_HELP}")
    while True:
        if typed:
            print(out.style("> ", "bold"), end="", flush=True)
        line = sys.stdin.readline()
        question = line.strip()
        if not line or question == "/exit":
            return
        if question == "/reset":
            for talk in talks.values():
                talk.reset()
        elif question.startswith("/") and question[1:].isalpha():
            out.note(f"dsforge: no command {question}: {_HELP}")
        elif question:
            yield question


def _answer(out: Output, question: str, talks: dict[str, Talk], *, as_json: bool, alone: bool) -> None:
    """Print the answers as they come; in a talk what cannot be answered does not end it."""
    for name, talk in talks.items():
        if len(talks) > 1:
            out.say(out.style(f"{name}:", "bold"))
        try:
            for piece in talk.ask(question):
                if not as_json:
                    print(visible(piece), end="", flush=True)
        except InputError as error:
            if alone or not sys.stdin.isatty():
                raise
            out.note(f"dsforge: {error}; /reset begins anew")
        if not as_json:
            print(flush=True)


def visible(piece: str) -> str:
    """What a model wrote, with every character written out that could drive the terminal, colours among them."""
    return printable(piece.replace("\x1b", "\\x1b"))
