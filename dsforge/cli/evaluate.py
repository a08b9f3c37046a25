"""`dsforge evaluate`: a run measured on rows of one's own, or its answers compared with its base's by a judge model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dsforge.cli.measured import show_metrics, show_samples
from dsforge.cli.output import FORMAT, JSON_FLAG, Output, quantity
from dsforge.errors import InputError, UsageError

if TYPE_CHECKING:
    from dsforge.judge_runs import Judged
    from dsforge.train.evaluate import Evaluation, Sample

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
_SHOWN = 3


@app.command(epilog="dsforge evaluate runs/first held-out.jsonl")
def command(
    run: str = typer.Argument(..., metavar="RUN", help="A run of dsforge train (runs/NAME)."),
    rows_file: str = typer.Argument("", metavar="[ROWS]", help="A file of rows that the run was not trained on."),
    rows: int = typer.Option(200, "--rows", min=1, max=5000, help="Rows to read for loss and accuracy."),
    answers: int = typer.Option(32, "--answers", min=0, max=5000, help="Rows to answer."),
    longest: int = typer.Option(256, "--longest", min=1, help="The longest answer in tokens."),
    base: bool = typer.Option(True, "--base/--no-base", help="Measure the model before its training too."),
    output: str = typer.Option("", "--output", "-o", metavar="FILE", help="Write the answers, one row to a line."),
    judge: str = typer.Option("", "--judge", metavar="MODEL", help="Have this model say which answer is better."),
    base_url: str = typer.Option(
        "", "--base-url", metavar="URL", help="The judge's server [default: OPENAI_BASE_URL, else OpenAI]."
    ),
    api_key_env: str = typer.Option(
        "", "--api-key-env", metavar="NAME", help="Variable to read the key from [default: OPENAI_API_KEY]."
    ),
    budget: str = typer.Option("", "--budget", metavar="AMOUNT", help="The most that judging may cost, as 5USD."),
    price_in: str = typer.Option("", "--price-in", metavar="AMOUNT", help="What 1,000,000 prompt tokens cost."),
    price_out: str = typer.Option("", "--price-out", metavar="AMOUNT", help="What 1,000,000 tokens of answers cost."),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=4096, help="Requests at a time."),
    format_name: str = FORMAT,
    as_json: bool = JSON_FLAG,
) -> int:
    """Measure a run beside the model it was trained from: loss, accuracy, exact match, ROUGE-L, choices, preferences.

    Every figure has its 95% confidence interval. A judge (without ROWS: of the answers to the run's own held-out rows)
    is asked about each pair of answers in both orders, and its
    verdicts are kept in the run's folder, so that none is paid for twice.
    """
    from dsforge.train.measure import note_metric, read_answers, read_record

    out = Output(as_json)
    if not rows_file and not judge:
        raise UsageError("nothing to measure: name a file of rows, or a judge of the run's own answers (--judge MODEL)")
    folder = Path(run)
    record = read_record(folder)
    evaluation: Evaluation | None = None
    counts = (0, 0, 0)
    if rows_file:
        evaluation, answered, counts = _measure(out, run, rows_file, format_name, rows, answers, longest, base)
    else:
        answered = read_answers(folder)
    if output:
        from dsforge.train.after import write_answers

        write_answers(answered, Path(output))
    judged = (
        _judge(out, folder, answered, judge, base_url, api_key_env, (budget, price_in, price_out), concurrency)
        if judge
        else None
    )
    if judged and not rows_file:
        metric = _win_rate(judged)
        if metric and not note_metric(folder, record, metric):
            out.note("dsforge: those were rows of the training, so the win rate measures nothing and is not kept")
    out.result("evaluate", *counts, evaluation=_plain(evaluation), judged=_judged(judged))
    return 0


def _measure(
    out: Output, run: str, path: str, format_name: str, rows: int, answers: int, longest: int, base: bool
) -> tuple[Evaluation | None, list[Sample], tuple[int, int, int]]:
    from dsforge.train.config import EvaluateConfig
    from dsforge.train.measure import measure, read_record
    from dsforge.train.quiet import quiet_environment
    from dsforge.train.saved import find_saved, require_models

    saved = find_saved(run, merged=False)
    quiet_environment()
    require_models("dsforge evaluate")
    out.note(f"dsforge: asking {saved.path} ...")
    wanted = EvaluateConfig(rows=rows, answers=answers, longest=longest, base=base)
    found, compared = measure(saved, read_record(Path(run)), path, format_name, wanted)
    if found.rejects:
        first = found.rejects[0]
        out.note(f"dsforge: {quantity(len(found.rejects), 'row')} left out, the first row {first.row}: {first.reason}")
    if compared.evaluation:
        show_metrics(out, compared.evaluation)
    show_samples(out, compared.answered[:_SHOWN], "validation")
    return compared.evaluation, compared.answered, (found.rows_in, found.rows_used, len(found.rejects))


def _judge(
    out: Output, folder: Path, answered: list[Sample], model: str, base_url: str, api_key_env: str,
    money: tuple[str, str, str], concurrency: int,
) -> Judged:  # fmt: skip
    from dsforge.augment.run import Asking
    from dsforge.augment.server import find_server
    from dsforge.cli.asking import Progress
    from dsforge.cli.spending import funds_of
    from dsforge.judge_runs import JUDGED, judge

    told = [sample for sample in answered if sample.before is not None]
    if not told:
        raise InputError("there are no answers of both models to compare: --answers 32, with --base")
    server = find_server(base_url, "", api_key_env)
    asking = Asking(concurrency, funds=funds_of(*money, model, server.url), on_change=Progress(out))
    judged = judge(told, model, server, folder / JUDGED, asking)
    won, tied, lost = judged.counts
    out.say(f"judged by {model}: {won:,} won, {tied:,} tied, {lost:,} lost against the base")
    if rate := judged.win_rate:
        reading = _reading(rate.low, rate.high, rate.rows)
        out.say(f"win rate  {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]{reading}")
    if judged.contradicted:
        out.say(f"{quantity(judged.contradicted, 'row')} decided by the place of an answer, not by the answer")
    if judged.unread:
        out.note(f"dsforge: no verdict on {quantity(judged.unread, 'row')}, the first: {judged.problem}")
    return judged


def _reading(low: float, high: float, rows: int) -> str:
    from dsforge.train.figures import FEWEST

    if rows < FEWEST:
        return ": too few rows to tell"
    return ": no clear difference" if low <= 0.5 <= high else ""


def _win_rate(judged: Judged) -> Any:
    from dsforge.train.figures import Metric

    return Metric(f"win rate ({judged.model})", judged.win_rate) if judged.win_rate else None


def _plain(evaluation: Evaluation | None) -> Any:
    from msgspec import to_builtins

    return None if evaluation is None else to_builtins(evaluation)


def _judged(judged: Judged | None) -> Any:
    from msgspec import to_builtins

    if judged is None:
        return None
    won, tied, lost = judged.counts
    spent = None if judged.usage.spent is None else float(judged.usage.spent)
    return {
        "model": judged.model, "win_rate": to_builtins(judged.win_rate), "won": won, "tied": tied, "lost": lost,
        "contradicted": judged.contradicted, "unread": judged.unread, "requests": judged.usage.requests,
        "spent": spent, "currency": judged.usage.currency,
    }  # fmt: skip
