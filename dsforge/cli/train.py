"""`dsforge train`: a run configured by Hydra overrides, looked at before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dsforge.cli.output import JSON_FLAG, Output, quantity
from dsforge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from dsforge.train.manifest import Manifest, Reward
    from dsforge.train.preflight import Preflight, Stretch
    from dsforge.train.recipe import Step
    from dsforge.train.run import Prepared

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_OPTIONS = ("--check", "--cfg", "--json", "--help")
_SHOWN_CONTEXT, _SHOWN_TRAINED = 400, 600  # characters of a stretch, before it is shortened in the middle
_LINES_OF_PROGRESS = 10


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="dsforge train model=tiny data.path=rows.jsonl run.name=first",
)
def command(
    overrides: list[str] = typer.Argument(
        None, metavar="OVERRIDE...", help="Hydra overrides: data.path=FILE model=tiny peft=full trl.learning_rate=1e-4"
    ),
    check: bool = typer.Option(False, "--check", help="Stop after the preflight: nothing is trained or written."),
    cfg: bool = typer.Option(False, "--cfg", help="Print the composed configuration as YAML and stop."),
    as_json: bool = JSON_FLAG,
) -> int:
    """Train a model on rows of any format: LoRA or full, by TRL.

    method=sft trains conversations, dpo, orpo and reward pairs (chosen and rejected), kto labelled answers or pairs.
    model=tiny is a smoke model built on the spot; a real one is model.path=OWNER/NAME or a folder. Before the
    first step you see how many tokens are trained and one row with the trained part marked.
    """
    words = list(overrides or [])
    _refuse_options(words)
    if cfg:
        return _print_config(words)
    from dsforge.train.app import compose_config
    from dsforge.train.run import prepared

    out = Output(as_json)
    config = compose_config(words)
    with prepared(config) as run:
        _say_preflight(out, run)
        rejected = len(run.training.rejects) + (len(run.validation.rejects) if run.validation else 0)
        if check:
            _say_rejects(out, run)
            _result(out, run, None)
            return 1 if rejected else 0
        manifest = _train(out, run)
        _say_end(out, run, manifest)
        if rejected:
            from dsforge.train.run import REJECTS

            out.note(f"dsforge: rejected rows with their reasons: {run.folder / REJECTS}")
        _result(out, run, manifest)
    return 1 if rejected else 0


def _refuse_options(words: list[str]) -> None:
    for word in words:
        if word in ("-m", "--multirun"):
            raise UsageError("sweeps (--multirun) are not supported yet: start one run for each value")
        if word.startswith("-"):
            raise UsageError(f"no option {word!r}{did_you_mean(word, _OPTIONS)}")


def _print_config(words: list[str]) -> int:
    import yaml

    from dsforge.train.app import compose_plain

    print(yaml.safe_dump(compose_plain(words), sort_keys=False, allow_unicode=True), end="")
    return 0


def _train(out: Output, run: Prepared) -> Manifest:
    from dsforge.train.run import train

    out.note(f"dsforge: training on {quantity(run.training.rows_used, 'row')} ...")

    def progress(step: Step) -> None:
        every = max(1, step.steps // _LINES_OF_PROGRESS)
        if step.validation_loss is not None:
            out.note(f"  step {step.step}/{step.steps}  validation loss {step.validation_loss:.4f}{_rewards(step)}")
        elif step.loss is not None and (step.step == 1 or step.step % every == 0 or step.step == step.steps):
            out.note(f"  step {step.step}/{step.steps}  loss {step.loss:.4f}{_rewards(step)}")

    return train(run, progress)


def _rewards(step: Step) -> str:
    accuracy = "" if step.accuracy is None else f"  accuracy {step.accuracy:.2f}"
    return accuracy if step.margin is None else f"{accuracy}  margin {step.margin:.3f}"


def _say_preflight(out: Output, run: Prepared) -> None:
    config = run.config
    if config.model.kind == "tiny":
        out.say(
            out.style("model=tiny is a smoke model", "yellow") + ": random weights, built now, learns nothing useful"
        )
    name = "tiny (Qwen3 architecture)" if config.model.kind == "tiny" else config.model.path
    out.say(f"model     {name}, {config.peft.name}, method {config.method.name}; chat template: {run.template.origin}")
    _say_rows(out, "rows", run.training, config.max_length)
    if run.validation is not None:
        _say_rows(out, "validate", run.validation, config.max_length)
    _say_cautions(out, run)
    for shown in run.training.shown:
        which = f", {shown.name}" if shown.name else ""
        out.say(f"row {run.training.shown_row}{which}, as the trainer sees it ({_legend(out)}):")
        out.say(_marked(out, shown.stretches))


def _say_rows(out: Output, label: str, found: Preflight, max_length: int | None) -> None:
    formats = ", ".join(found.formats)
    out.say(
        f"{label:<10}{found.path} ({formats}): {quantity(found.rows_in, 'row')} in, {found.rows_used:,} used, "
        f"{len(found.rejects):,} rejected"
    )
    share = 100 * found.trained / max(1, found.tokens)
    out.say(
        f"tokens    {found.tokens:,}: {found.trained:,} trained ({share:.1f}%), {found.context:,} not trained; "
        f"longest row {found.longest:,}"
    )
    if found.over_length:
        out.say(
            out.style("too long", "yellow")
            + f"  {quantity(found.over_length, 'row')} over trl.max_length={max_length:,}: "
            f"{quantity(found.cut_trained, 'trained token')} lost"
        )


def _say_cautions(out: Output, run: Prepared) -> None:
    from dsforge.train.trainer import needs_reference

    found = run.training
    cautions = []
    if not found.trains_stop and not run.recipe.scores:
        cautions.append("the template leaves the end-of-turn token untrained: the model will not learn to stop")
    if found.added and not run.recipe.scores:
        cautions.append(f"the template itself writes {_shorten(found.added, 60)!r} into what is trained")
    if found.left_out:
        cautions.append(f"{quantity(found.left_out, 'row')} with text that the chat template leaves out")
    if found.control:
        cautions.append(
            f"{quantity(found.control, 'row')} with a special token of the template written out in a message"
        )
    if found.drifting and not run.recipe.scores:
        cautions.append(
            f"{quantity(found.drifting, 'row')} whose prompt reads otherwise alone than before its answer: what is "
            "trained begins where they part, which is not where an answer begins in use"
        )
    if found.foreign and not run.recipe.scores:
        cautions.append(
            f"{quantity(found.foreign, 'row')} with tool results or questions within an answer, which TRL trains too"
        )
    if found.between:
        cautions.append(f"{quantity(found.between, 'answer')} between the best and the worst of a ranking: not trained")
    if needs_reference(run.recipe, run.config):
        cautions.append(
            "a second copy of the model stands in memory as the reference; trl.precompute_ref_log_probs=true (or "
            "peft=lora) does without"
        )
    cautions += run.recipe.cautions(run.config, found.rows)
    for caution in cautions:
        out.say(out.style("caution", "yellow") + f"   {caution}")


def _say_rejects(out: Output, run: Prepared) -> None:
    rejects = run.training.rejects + (run.validation.rejects if run.validation else [])
    if rejects:
        first = rejects[0]
        out.note(f"dsforge: {quantity(len(rejects), 'row')} rejected, the first in {first.path}, row {first.row}: "
                 f"{first.reason}; without --check they go to the run's folder")  # fmt: skip


def _legend(out: Output) -> str:
    return "the trained part is green" if _coloured(out) else "the trained part stands in [[ ]]"


def _coloured(out: Output) -> bool:
    return out.style("x", "green") != "x"


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} ... {len(text) - 2 * half:,} characters ... {text[-half:]}"


def _marked(out: Output, stretches: list[Stretch]) -> str:
    pieces = []
    for stretch in stretches:
        text = _shorten(stretch.text, _SHOWN_TRAINED if stretch.trained else _SHOWN_CONTEXT).replace("\x1b", "\\x1b")
        if not stretch.trained:
            pieces.append(text)
        elif _coloured(out):
            pieces.append("\n".join(out.style(line, "green") for line in text.split("\n")))
        else:
            pieces.append(f"[[{text}]]")
    return "  " + "".join(pieces).rstrip().replace("\n", "\n  ")


def _say_end(out: Output, run: Prepared, manifest: Manifest) -> None:
    from dsforge.report.loss_curve import plain
    from dsforge.train.run import BASE

    out.say(plain(manifest.losses))
    share = 100 * manifest.parameters_trained / max(1, manifest.parameters)
    out.say(
        f"{quantity(len(manifest.losses), 'step')} in {manifest.seconds:.1f} s, "
        f"{manifest.tokens_per_second:,.0f} tokens/s; "
        f"{manifest.parameters_trained:,} of {manifest.parameters:,} weights trained ({share:.1f}%)"
    )
    if manifest.losses:
        out.say(f"loss      {manifest.losses[0][1]:.4f} -> {manifest.losses[-1][1]:.4f}  ({run.folder / 'loss.png'})")
    if manifest.rewards:
        out.say(f"rewards   {_reward(manifest.rewards[0])} -> {_reward(manifest.rewards[-1])}")
    out.say(f"manifest  {run.folder / 'manifest.json'}")
    lora = run.config.peft.name == "lora"
    kind = "SequenceClassification" if run.recipe.scores else "CausalLM"
    more = ", num_labels=1" if run.recipe.scores and lora else ""
    loader = f"peft.AutoPeftModelFor{kind}" if lora else f"transformers.AutoModelFor{kind}"
    out.say(f"{'adapter' if lora else 'model':<10}{out.style(manifest.saved, 'bold')}")
    out.say(f"use it    {loader}.from_pretrained({manifest.saved!r}{more}), with the tokenizer that is beside it")
    if lora and run.config.model.kind == "tiny":
        out.say(f"          (it finds its base model in {run.folder / BASE}: keep the two together)")


def _reward(reward: Reward) -> str:
    accuracy = "" if reward.accuracy is None else f"accuracy {reward.accuracy:.2f} "
    return accuracy if reward.margin is None else f"{accuracy}margin {reward.margin:.3f}"


def _result(out: Output, run: Prepared, manifest: Manifest | None) -> None:
    found, validation = run.training, run.validation
    out.result(
        "train", found.rows_in, found.rows_used, len(found.rejects),
        tokens={"total": found.tokens, "trained": found.trained, "context": found.context, "cut": found.cut_trained,
                "max_row": found.longest},
        rows_over_length=found.over_length,
        validation_rows=validation.rows_used if validation else 0,
        validation_rows_rejected=len(validation.rejects) if validation else 0,
        trained=manifest is not None,
        saved=manifest.saved if manifest else None,
        manifest=str(run.folder / "manifest.json") if manifest else None,
        first_loss=manifest.losses[0][1] if manifest and manifest.losses else None,
        final_loss=manifest.final_loss if manifest else None,
        validation_loss=manifest.validation_losses[-1][1] if manifest and manifest.validation_losses else None,
        **_last_rewards("", manifest.rewards if manifest else []),
        **_last_rewards("validation_", manifest.validation_rewards if manifest else []),
    )  # fmt: skip


def _last_rewards(prefix: str, rewards: list[Reward]) -> dict[str, float | None]:
    """The last accuracy and margin of the rewards, where the method logs such."""
    if not rewards:
        return {}
    return {f"{prefix}reward_accuracy": rewards[-1].accuracy, f"{prefix}reward_margin": rewards[-1].margin}
