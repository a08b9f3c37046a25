"""`dsforge`: a lazy table of commands. A command's module is imported when it is run, not before."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from dsforge import __version__
from dsforge.errors import DsforgeError, did_you_mean

COMMANDS: dict[str, str] = {
    "convert": "Any format in, any format out; what gets lost is named and counted.",
    "lint": "Everything that would spoil a fine-tuning run: where, why and how to mend it.",
    "dedup": "Remove exact and near duplicates; every verdict verified and explained.",
    "split": "Train and validation files that share no near-duplicates.",
    "augment": "A larger model writes more rows; a killed run pays for nothing twice.",
    "review": "Annotators read, judge and mend rows in the browser.",
    "cost": "Count tokens and price the training on each platform and GPU.",
    "train": "A TRL run configured by Hydra: LoRA or full.",
    "runs": "Runs and sweeps side by side: settings, losses, measures.",
    "chat": "Talk to what a run left.",
    "evaluate": "Measure a run on rows of your own, or have a judge compare it with its base.",
    "merge": "Merge a run's adapter into its model.",
    "export": "The same run for another trainer: rows and run configuration in its form.",
    "formats": "List the formats, or explain one.",
    "targets": "List the platforms and trainers, or tell what one takes.",
    "rule": "Explain a lint rule, or list them all.",
}
"""Command name to the line `--help` shows. The command lives in `dsforge.cli.NAME` as `app`."""

EXIT_UNABLE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141  # 128 + SIGPIPE, as other tools: the work may not have been done to its end


class _Interrupted(Exception):
    """Ctrl-C, under a name that typer does not turn into an exit code of its own, without a word."""


class _PipeClosed(Exception):
    """Nobody reads our output any more; named so for the same reason."""


class LazyCommands(TyperGroup):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"dsforge.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted from error
        except BrokenPipeError as error:
            raise _PipeClosed from error

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(cls=LazyCommands, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dsforge {__version__}")
        raise typer.Exit


@app.callback(epilog="Start with: dsforge lint FILE", invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
    ),
    config: str = typer.Option(
        "",
        "--config",
        metavar="FILE",
        help="TOML with defaults [default: [tool.dsforge] of pyproject.toml, else dsforge.toml, in this folder].",
    ),
) -> None:
    """dsforge: fine-tuning data converted, checked, cleaned, priced and trained."""
    from dsforge.cli.config import load_defaults, overlooked

    defaults = load_defaults(config, COMMANDS)
    name = ctx.invoked_subcommand
    if name is None:
        print(ctx.get_help())
        raise typer.Exit(EXIT_UNABLE)
    if not defaults.path and (notice := overlooked()):
        _say(notice)
    if name in (defaults.sections or {}):
        command: Any = ctx.command
        ctx.default_map = {name: defaults.of(name, command.get_command(ctx, name).params)}


def _say(error: str) -> None:
    print(f"dsforge: {error}", file=sys.stderr)


def _forget_output() -> None:
    """Send what waits for standard output nowhere, so that Python does not fail over it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _without_traceback(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        result = command.main(args=arguments, prog_name="dsforge", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except typer.TyperException as error:
        from dsforge.cli.option import complaint

        _say(complaint(error))
        return EXIT_UNABLE
    except DsforgeError as error:
        _say(str(error))
        return EXIT_UNABLE
    except (_Interrupted, KeyboardInterrupt):
        _say("interrupted; no output was left half written")
        return EXIT_INTERRUPTED
    except (_PipeClosed, BrokenPipeError):  # the reader of our output went away, as `| head` does
        _forget_output()
        return EXIT_PIPE_CLOSED
    except OSError as error:  # a full disk, a lost mount: nothing of ours
        _say(f"{error.filename or 'reading or writing'}: {error.strerror or error}")
        _forget_output()
        return EXIT_UNABLE


def main() -> None:
    """Entry point of the `dsforge` command."""
    try:
        code = _without_traceback(sys.argv[1:])
    except Exception as error:  # the last line of defence: a bug of ours, told in one line
        if os.environ.get("DSFORGE_DEBUG"):
            raise
        _say(f"a bug: {type(error).__name__}: {error}; run again with DSFORGE_DEBUG=1 and report the traceback")
        code = EXIT_UNABLE
    sys.exit(code)


if __name__ == "__main__":
    main()
