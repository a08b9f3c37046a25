"""`dsforge train`: a run configured by Hydra overrides, looked at before it starts; with --multirun, several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from dsforge.cli.output import JSON_FLAG, Output
from dsforge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from dsforge.train.app import Origin

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_CFG = ("job", "hydra", "all")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_WITHOUT_VALUE = {("--cfg", "-c"): (_CFG, "job"), ("--info", "-i"): (_INFO, "all")}
"""Options whose value may be left out: the values, and the one that is meant then."""


class _Command(TyperCommand):
    """`--cfg` and `--info` may stand alone, as Hydra has it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _completed(args))


def _completed(words: list[str]) -> list[str]:
    completed = []
    for word, after in zip(words, [*words[1:], ""], strict=True):
        completed.append(word)
        for names, (known, usual) in _WITHOUT_VALUE.items():
            if word in names and after not in known:
                if after and "=" not in after and not after.startswith("-"):
                    raise UsageError(f"{word} {after}: one of {', '.join(known)}{did_you_mean(after, known)}")
                completed.append(usual)
    return completed


@app.command(
    cls=_Command,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="dsforge train run=smoke data.path=rows.jsonl",
)
def command(
    overrides: list[str] = typer.Argument(
        None, metavar="OVERRIDE...", help="Hydra overrides: data.path=FILE model=tiny peft=full trl.learning_rate=1e-4"
    ),
    check: bool = typer.Option(False, "--check", help="Stop after the preflight: nothing is trained or written."),
    multirun: bool = typer.Option(
        False, "--multirun", "-m", help="A run for each value: peft.r=8,16 trl.learning_rate=1e-4,2e-4."
    ),
    cfg: str = typer.Option(
        "", "--cfg", "-c", metavar="[job|hydra|all]", help="Print the composed configuration as YAML and stop."
    ),
    resolve: bool = typer.Option(False, "--resolve", help="With --cfg: every reference resolved (job always is)."),
    package: str = typer.Option("", "--package", "-p", help="With --cfg: only this section, as trl."),
    info: str = typer.Option(
        "", "--info", "-i", metavar="[all|config|defaults|defaults-tree|plugins|searchpath]",
        help="Print where the configuration comes from and stop.",
    ),
    config_dir: str = typer.Option(
        "", "--config-dir", "-cd", metavar="DIR", help="A folder with groups and options of your own."
    ),
    config_name: str = typer.Option(
        "train", "--config-name", "-cn", metavar="NAME", help="The file to compose, one of --config-dir."
    ),
    hydra_help: bool = typer.Option(False, "--hydra-help", help="Hydra's own help, with all groups, and stop."),
    completion: str = typer.Option(
        "", "--completion", metavar="bash|zsh|fish", help="Print completion for a shell: eval the text."
    ),
    complete: str | None = typer.Option(None, "--complete", hidden=True),
    as_json: bool = JSON_FLAG,
) -> int:  # fmt: skip
    """Train a model on rows of any format: LoRA, QLoRA, full and the rest of PEFT, by TRL.

    method=sft trains conversations, dpo, orpo and reward pairs (chosen and rejected), kto labelled answers or pairs.
    model=tiny is a smoke model built on the spot; a real one is model.path=OWNER/NAME or a folder. Before the
    first step you see how many tokens are trained and one row with the trained part marked.

    Groups to choose from: method, peft, model, hardware, tracker, and presets of run (--hydra-help lists all options).
    """
    from dsforge.train.app import Origin, asks_for_sweep

    if completion or complete is not None:
        return _complete(completion, complete)
    words = list(overrides or [])
    _refuse_options(words)
    _refuse_together(multirun=multirun, cfg=cfg, info=info, hydra_help=hydra_help, check=check)
    origin = Origin(config_dir, config_name)
    if (resolve or package) and not cfg:
        raise UsageError(f"{'--resolve' if resolve else '--package'} goes with --cfg")
    if hydra_help:
        return _hydra_help(words, origin)
    if info:
        return _info(info, words, origin)
    if cfg:
        return _print_config(cfg, words, origin, package, resolve=resolve)
    out = Output(as_json)
    if multirun or asks_for_sweep(words, origin):
        from dsforge.cli.train_sweep import sweep

        return sweep(out, words, origin, check=check, as_json=as_json)
    from dsforge.cli.train_run import run_once
    from dsforge.train.app import compose_config

    return run_once(out, compose_config(words, origin), check=check)[0]


def _refuse_options(words: list[str]) -> None:
    known = [name for param in typer.main.get_command(app).params for name in param.opts if name.startswith("-")]
    for word in words:
        if word.startswith("-"):
            raise UsageError(f"no option {word!r}{did_you_mean(word, [*known, '--help'])}")


def _refuse_together(**wanted: bool | str) -> None:
    """Of the ways to use the command one at a time; a sweep may be checked."""
    asked = [f"--{name.replace('_', '-')}" for name, is_wanted in wanted.items() if is_wanted]
    if len(asked) > 1 and set(asked) != {"--multirun", "--check"}:
        raise UsageError(f"{' and '.join(asked)} do not go together: give one of them")


def _print_config(kind: str, words: list[str], origin: Origin, package: str, *, resolve: bool) -> int:
    from dsforge.train.show import config_text

    print(config_text(kind, words, origin, package, resolve=resolve), end="")
    return 0


def _info(kind: str, words: list[str], origin: Origin) -> int:
    from dsforge.train.show import show_info

    show_info(kind, words, origin)
    return 0


def _hydra_help(words: list[str], origin: Origin) -> int:
    from dsforge.train.show import hydra_help

    hydra_help(words, origin)
    return 0


def _complete(shell: str, line: str | None) -> int:
    from dsforge.cli.complete import candidates, script

    for text in candidates(line) if line is not None else [script(shell)]:
        print(text)
    return 0
