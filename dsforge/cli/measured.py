"""How the terminal shows what was measured of a trained model beside its base, and answers before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.cli.output import Output, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsforge.train.evaluate import Evaluation, Sample

_SHOWN = 160  # characters of a text


def show_metrics(out: Output, evaluation: Evaluation) -> None:
    """A table of the measures, with their intervals."""
    from dsforge.train.card import told

    answered = f", {evaluation.answered:,} of them answered" if evaluation.answered else ""
    rows = quantity(evaluation.rows, "row")
    out.say(f"measured over {rows} of {evaluation.path}{answered}; [95% confidence interval]")
    with_base = any(metric.base for metric in evaluation.metrics)
    heads = ["measure", *(["base"] if with_base else []), "trained", *(["trained - base", ""] if with_base else [])]
    lines = []
    for metric in evaluation.metrics:
        compared = [told(metric, metric.difference, signed=True), metric.verdict]
        lines.append([
            metric.name, *([told(metric, metric.base)] if with_base else []), told(metric, metric.trained),
            *(compared if with_base else []),
        ])  # fmt: skip
    out.table(heads, lines)


def show_samples(out: Output, samples: Sequence[Sample], sampled: str) -> None:
    """Answers before and after, a line each."""
    if not samples:
        return
    why = " (none were held out: they tell what was learnt by heart)" if sampled == "training" else ""
    out.say(f"answers to {sampled} rows{why}")
    for sample in samples:
        out.say(f"  row {sample.row}: {_short(sample.prompt)}")
        for word, text in (("before", sample.before), ("after", sample.after), ("row", sample.reference)):
            if text is not None:
                out.say(f"    {word:<7} {_short(text)}")


def _short(text: str) -> str:
    from dsforge.report.visible import on_one_line

    line = on_one_line(" ".join(text.split()))
    if not line:
        return "(nothing)"
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
