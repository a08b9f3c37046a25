"""What `dsforge train` says before the first step and after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.cli.measured import show_metrics, show_samples
from dsforge.cli.output import Output, quantity

if TYPE_CHECKING:
    from dsforge.train.manifest import Manifest, Reward
    from dsforge.train.preflight import Preflight, Stretch
    from dsforge.train.recipe import Step
    from dsforge.train.run import Prepared

_SHOWN_OVER = 3
_SHOWN_CONTEXT, _SHOWN_TRAINED = 400, 600  # characters of a stretch, before it is shortened in the middle


def rewards(step: Step) -> str:
    accuracy = "" if step.accuracy is None else f"  accuracy {step.accuracy:.2f}"
    return accuracy if step.margin is None else f"{accuracy}  margin {step.margin:.3f}"


def say_preflight(out: Output, run: Prepared) -> None:
    from dsforge.train.batching import batch_size

    config = run.config
    if config.model.kind == "tiny":
        out.say(
            out.style("model=tiny is a smoke model", "yellow") + ": random weights, built now, learns nothing useful"
        )
    name = "tiny (Qwen3 architecture)" if config.model.kind == "tiny" else config.model.path
    out.say(f"model     {name}, {config.peft.name}, method {config.method.name}; chat template: {run.template.origin}")
    for found in run.files:
        _say_rows(out, "rows", found, config.max_length)
    if len(run.files) > 1 or config.data.weights:
        mixed = run.training.rows
        weights = ", ".join(f"{weight:g}" for weight in config.data.weights or [1.0] * len(run.files))
        out.say(f"an epoch  {quantity(len(mixed), 'row')}, {quantity(mixed.tokens, 'token')}; weights {weights}")
    if run.validation is not None:
        _say_rows(out, "validate", run.validation, config.max_length)
    size, accumulated = batch_size(config), config.trl.get("gradient_accumulation_steps", 1)
    out.say(
        f"batches   {quantity(run.batching.steps, 'step')} of {quantity(size * config.num_gpus, 'row')}"
        f"{f' times {accumulated}' if accumulated != 1 else ''}; {run.batching.kind}: {run.batching.why}"
    )
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
        for _, one in found.over[:_SHOWN_OVER]:
            what = "all of it" if one.lost == one.tokens else f"{one.lost:,} of them"
            out.say(f"          row {one.row}: {one.tokens:,} tokens, {what} lost, {one.lost_trained:,} trained ones")
        if found.over_length > _SHOWN_OVER:
            out.say(f"          and {found.over_length - _SHOWN_OVER:,} more: --json has them all")


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


def say_rejects(out: Output, run: Prepared) -> None:
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


def say_end(out: Output, run: Prepared, manifest: Manifest) -> None:
    from dsforge.report.loss_curve import plain
    from dsforge.train.job import BASE

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
    if manifest.evaluation is not None:
        show_metrics(out, manifest.evaluation)
    if run.config.model.kind != "tiny":  # what a smoke model says is in the page, and of no use here
        show_samples(out, manifest.samples, manifest.sampled)
    for note in manifest.notes:
        out.note(f"dsforge: {note}")
    out.say(f"record    {run.folder / 'run.json'}; page {run.folder / 'report.html'}")
    lora = run.config.peft.is_adapter
    kind = "SequenceClassification" if run.recipe.scores else "CausalLM"
    more = ", num_labels=1" if run.recipe.scores and lora else ""
    loader = f"peft.AutoPeftModelFor{kind}" if lora else f"transformers.AutoModelFor{kind}"
    out.say(f"{'adapter' if lora else 'model':<10}{out.style(manifest.saved, 'bold')}")
    if manifest.merged:
        out.say(f"merged    {out.style(manifest.merged, 'bold')}")
    out.say(f"use it    {loader}.from_pretrained({manifest.saved!r}{more}), with the tokenizer that is beside it")
    if lora and run.config.model.kind == "tiny":
        out.say(f"          (it finds its base model in {run.folder / BASE}: keep the two together)")
    for who, command in manifest.serve.items():
        out.say(f"{who:<10}{command}")


def _reward(reward: Reward) -> str:
    accuracy = "" if reward.accuracy is None else f"accuracy {reward.accuracy:.2f} "
    return accuracy if reward.margin is None else f"{accuracy}margin {reward.margin:.3f}"
