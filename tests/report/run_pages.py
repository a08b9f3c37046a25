"""Reports of runs with everything in them, hostile text in every place, for the tests of their pages."""

from __future__ import annotations

from dataclasses import replace

from dsforge.report.run_page import run_page, runs_page
from dsforge.report.run_report import Answered, Axis, Chart, Curve, Measured, Refused, Rows, RunReport, RunsReport
from tests.report.pages import HOSTILE


def run_report() -> RunReport:
    """A run of four steps."""
    curves = [Curve("training", [(1, 4.0), (2, 2.0), (3, 1.0), (4, 0.5)]), Curve("validation", [(2, 2.5), (4, 1.0)])]
    return RunReport(
        name="first",
        tiles=[("rows trained on", 24), ("last loss", "0.5000")],
        charts=[Chart("Loss by step", "nats", curves)],
        rows=[Rows("training", "rows.jsonl", 24, 1, 2, 900, 300, 12, "ab" * 32)],
        refused=[Refused("J001", 1, "the key has no quotes")],
        measured=[Measured("loss", "5.9 [5.8, 6.0]", "0.5 [0.4, 0.6]", "-5.4 [-5.5, -5.3]", "better")],
        measured_over="24 held-out rows",
        answered=[Answered(7, "Where?", "Here.", "62 62", "Here!"), Answered(8, "Why?", None, None, "")],
        answered_of="Greedy answers",
        commands=[("Talk to it", "dsforge chat runs/first")],
        settings=[("trl.learning_rate", "0.01")],
        facts=[("Saved", "runs/first/adapter")],
        notes=["not merged: no room"],
    )


def runs_report(runs: int = 3) -> RunsReport:
    """A sweep over two settings."""
    names = [f"run-{number}" for number in range(runs)]
    losses = [1 + number / 10 for number in range(runs)]
    return RunsReport(
        title="Runs compared",
        heads=["name", "=loss"],
        lines=[[name, f"{loss:.4f}"] for name, loss in zip(names, losses, strict=True)],
        names=names,
        axes=[
            Axis("trl.learning_rate", [10.0 ** -(number % 4 + 1) for number in range(runs)]),
            Axis("peft.name", ["lora" if number % 2 else "full" for number in range(runs)]),
            Axis("loss", losses),
        ],
        ranked=[number / max(1, runs - 1) for number in range(runs)],
        charts=[Chart("Training loss by step", "nats", [Curve(name, [(1, 4.0), (9, 1.0)]) for name in names])],
        notes=[],
    )


def hostile_run_page() -> str:
    """Hostile text in every place of the page about a run that takes text."""
    return run_page(
        replace(
            run_report(),
            name=f"Report {HOSTILE[2]}",
            charts=[Chart(text, text, [Curve(text, [(1, 2.0), (2, 1.0)])], text) for text in HOSTILE],
            rows=[Rows(text, text, 1, 1, 1, 1, 1, 1, text) for text in HOSTILE],
            refused=[Refused(text, 1, text) for text in HOSTILE],
            measured=[Measured(text, text, text, text, text) for text in HOSTILE],
            measured_over=HOSTILE[0],
            answered=[Answered(1, text, text, text, text) for text in HOSTILE],
            answered_of=HOSTILE[0],
            commands=[(text, text) for text in HOSTILE],
            settings=[(text, text) for text in HOSTILE],
            facts=[(text, text) for text in HOSTILE],
            notes=HOSTILE,
        )
    )


def hostile_runs_page() -> str:
    """The same of the page that compares runs."""
    count = len(HOSTILE)
    return runs_page(
        replace(
            runs_report(count),
            title=f"Report {HOSTILE[2]}",
            heads=HOSTILE,
            lines=[list(HOSTILE) for _ in range(3)],
            names=HOSTILE,
            axes=[Axis(HOSTILE[0], HOSTILE), Axis(HOSTILE[1], [1.0] * count)],
            charts=[Chart(text, text, [Curve(text, [(1, 2.0)])], text) for text in HOSTILE],
            notes=HOSTILE,
        )
    )
