"""Pages with everything on them, for the tests of the pages and of the pages in a browser."""

from __future__ import annotations

import json
from decimal import Decimal

from dsforge.example import Example, Media, Message, Text
from dsforge.finding import Finding
from dsforge.report.cost_page import cost_page
from dsforge.report.cost_report import Basis, CostReport, Way
from dsforge.report.dedup_page import dedup_page
from dsforge.report.dedup_report import Choice, Cluster, DedupReport, Disagreement, Origin, Pair
from dsforge.report.histogram import bin_of, empty
from dsforge.report.lint_report import LintReport, RuleLine
from dsforge.report.page import lint_page
from dsforge.report.summary import Summary

RULES = {
    "S104": RuleLine("empty-content", "error", "A message that says nothing."),
    "Q502": RuleLine("unfilled-placeholder", "warning", "A placeholder that nobody filled in."),
    "D703": RuleLine("conflicting-answers", "info", "The same question as an earlier row, with another answer."),
}
HOSTILE = (
    "<script>alert(1)</script>", "</style><style>*{display:none}</style>", "</title></head><body onload=alert(2)>",
    "<img src=x onerror=alert(3)>", '"><svg onload=alert(4)>', "' onmouseover='alert(5)", "javascript:alert(6)",
    "<a href=javascript:alert(7)>", "<!--", "]]>", "</pre></details></section></main>", "&lt;script&gt;",
    "\u202etxt.exe", "\x00\x1b[31m", "<meta http-equiv=refresh content='0;url=https://example.invalid'>",
    "half \ud83d", "你好 😀",
)  # fmt: skip


def finding(code: str, row: int, message: str, **more: object) -> Finding:
    rule = RULES[code]
    given = {"pointer": "/messages/0/content", "help": "write it", **more}
    return Finding(code, rule.name, rule.severity, message, "data/rows.jsonl", row, row, 3, **given)  # type: ignore[arg-type]


def summary() -> Summary:
    seen = Summary()
    said = Message("user", "Hello there")
    seen.add(Example([said, Message("assistant", "Hi!")], meta={"category": "greeting"}), "chatml", 12)
    seen.add(
        Example([said], chosen=[Message("assistant", "你好" * 30)], rejected=[Message("assistant", "x")]), "dpo", 40
    )
    seen.add(Example([Message("user", [Text("what"), Media("image", "a.png")]), Message("assistant", "ok")],
                     label=True, meta={"category": HOSTILE[0]}), "chatml", 7)  # fmt: skip
    return seen


def hostile_page() -> str:
    """Hostile text in every place that takes text: title, files, notices, rules, messages, help, rows, categories."""
    findings = [finding("S104", 1, "the message says nothing", excerpt='..."content": ""...', mark=(14, 2))]
    rows = {("data/rows.jsonl", 1): '{"messages": [{"role": "user", "content": ""}]}'}
    for number, text in enumerate(HOSTILE, 2):
        raw = json.dumps({"messages": [{"content": text}]}, ensure_ascii=False)
        at = raw.index(": ") + 3
        more = {"help": text, "pointer": text, "excerpt": raw, "mark": (at, 5)} if number % 2 else {}
        findings.append(finding("Q502", number, f"{text} was never filled in", **more))
        rows["data/rows.jsonl", number] = raw + " " * (number % 3)
    findings.append(finding("D703", 0, "of the dataset as a whole", pointer=""))
    counts = {"S104": 1, "Q502": 4_000, "D703": 1}
    rules = {**RULES, "D703": RULES["D703"]._replace(summary=" ".join(HOSTILE))}
    sources = [("data/rows.jsonl", 1_234_567), *((text, 3) for text in HOSTILE)]
    report = LintReport(findings, counts, rules, 5_000, 17, sources, HOSTILE)
    return lint_page(f"Report {HOSTILE[2]}", report, summary(), rows)


def dedup_report(**more: object) -> DedupReport:
    """Eleven rows in two clusters: one of copies, one with a near-duplicate; and a contradiction."""
    sizes = empty()
    sizes[bin_of(3)] += 1
    sizes[bin_of(2)] += 1
    stretches = [("same", "user: the ", "user: the "), ("changed", "red ", "blue "), ("same", "house", "house"),
                 ("cut", " ... ", " ... "), ("changed", "", " indeed")]  # fmt: skip
    pair = Pair("0.93 alike", "a.jsonl:1", "b.jsonl:7", stretches, 3)
    given: dict[str, object] = {
        "rows_in": 11, "rows_out": 6, "exact": 1, "near": 1, "against": 1, "contradictory": 1, "rejected": 1,
        "clusters": 2, "threshold": 0.8, "similarities": [0, 0, 0, 0, 0, 0, 1, 0, 0, 0], "sizes": sizes,
        "origins": [Origin("b.jsonl", "a.jsonl", 1, 1), Origin("b.jsonl", "old.jsonl", 1, 0)],
        "largest": [Cluster("a.jsonl:1", 1, 1, 0.93), Cluster("old.jsonl:5", 1, 0, 1.0)],
        "disagreements": [Disagreement("one question has several answers", 1, 2, 1),
                          Disagreement("one prefers what the other rejects", 0, 0, 0)],
        "sources": [("a.jsonl", 1_500), ("b.jsonl", 2_000_000)], "others": [("old.jsonl", 12)],
        "choices": [Choice("What has to be alike", "--on", "conversation"), Choice("Made by", "", "dsforge")],
        "shown": [pair], "shown_contradictions": [pair._replace(title="one question has several answers", rows=2)],
        **more,
    }  # fmt: skip
    return DedupReport(**given)  # type: ignore[arg-type]


def hostile_dedup_page() -> str:
    """Hostile text in every place that takes text: title, files, choices, notices, places and rows."""
    pairs = [Pair(text, text, text, [("same", text, text), ("changed", text, f"{text} too"), ("cut", " ... ", text)])
             for text in HOSTILE]  # fmt: skip
    report = dedup_report(
        origins=[Origin(text, other, 1, 2) for text in HOSTILE for other in HOSTILE],
        largest=[Cluster(text, 1, 2, 0.9) for text in HOSTILE],
        disagreements=[Disagreement(text, 1, 2, 0) for text in HOSTILE],
        sources=[(text, 3) for text in HOSTILE], others=[(text, 0) for text in HOSTILE],
        choices=[Choice(text, text, text) for text in HOSTILE], notices=HOSTILE,
        shown=pairs, shown_contradictions=pairs,
    )  # fmt: skip
    return dedup_page(f"Report {HOSTILE[2]}", report)


def cost_report(**more: object) -> CostReport:
    """Four ways: the best, one in another currency, one without a price, one that does not fit."""
    lengths = empty()
    for length in (5, 80, 90):
        lengths[bin_of(length)] += 1
    ways = [
        Way("2 x a100", "qwen2.5-7b", "lora", Decimal("0.30"), "USD", Decimal("0.30"), "--price local.a100=...",
            [Decimal(epochs) / 10 for epochs in range(1, 7)], (1 / 60, 2 / 60), 15.9, 80.0,
            [("weights", 14.2), ("activations", 1.7)], True, ["cheapest", "fastest"]),
        Way("openai", "gpt-4o-mini", "unstated", Decimal(10), "CNY", Decimal("1.40"), "", [Decimal("1.40")] * 6),
        Way("zhipu", "glm-4-9b", "lora", None, "CNY", None, "--price zhipu.glm-4-9b=..."),
        Way("a10", "qwen2.5-7b", "lora", None, "", None, "", memory_gib=31.0, capacity_gib=24.0,
            parts=[("weights", 29.3), ("activations", 1.7)], fits=False),
    ]  # fmt: skip
    given: dict[str, object] = {
        "sources": [("rows.jsonl", 1_500)], "rows": 999, "tokens": 160_264, "trained": 142_362, "longest": 577,
        "epochs": 3, "ways": ways, "currency": "USD", "drawn": range(1, 7), "usable": 0.95,
        "basis": [Basis("openai, gpt-4o-mini", "171,253 tokens x 3 = 1.40 USD", "a price list, 2026-04-01 (unverified)",
                        ["soon closed"])],
        "assumptions": ["an assumption"], "lengths": lengths, "shape": [("Padding", "12.0% in batches of 2")],
        "run": [("Tokenizer", "o200k_base (exact)")], "notes": ["a caution"],
        **more,
    }  # fmt: skip
    return CostReport(**given)  # type: ignore[arg-type]


def hostile_cost_page() -> str:
    """Hostile text in every place that takes text: title, files, ways, parts, formulas, facts and notes."""
    ways = [
        Way(text, text, text, Decimal(number), "USD", Decimal(number), text, [Decimal(number)] * 6, (0.1, 0.2), 9.0,
            8.0, [(text, 5.0), ("rest", 4.0)], True, [text])
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    unknown = [Way(text, text, text, None, "USD", None, text, fits=text != "<!--") for text in HOSTILE]
    pairs = [(text, text) for text in HOSTILE]
    report = cost_report(
        sources=[(text, 3) for text in HOSTILE], ways=[*ways, *unknown],
        basis=[Basis(text, text, text, [text]) for text in HOSTILE], assumptions=HOSTILE, shape=pairs, run=pairs,
        notes=HOSTILE,
    )  # fmt: skip
    return cost_page(f"Report {HOSTILE[2]}", report)
