"""A row that is nearly the same as an earlier one.

Why is this bad?
    A few words changed are no new lesson: the row is paid for and weighs double, and on the other side of a
    split it makes the score too good. At least 80% of the shingles are shared, counted exactly; `dsforge
    dedup` removes such rows. Takes longer than the other rules, so it runs only when selected.

Bad:
    {"instruction": "How long does the delivery of a floor lamp to Austria usually take?", "output": "Four to six working days, and the carrier calls you the day before."}
    {"instruction": "How long does the delivery of a floor lamp to Austria usually take??", "output": "Four to six working days, and the carrier calls you a day before."}

Good:
    {"instruction": "How long does the delivery of a floor lamp to Austria usually take?", "output": "Four to six working days, and the carrier calls you the day before."}
    {"instruction": "What does the delivery of a floor lamp to Austria cost?", "output": "Nineteen euros, with carrying upstairs included."}
"""  # noqa: E501

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_THRESHOLD = 0.8


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    from dsforge.similarity.cluster import star_clusters
    from dsforge.similarity.lsh import buckets, choose_banding
    from dsforge.similarity.sketch import Sketches

    originals = list({document.key: index for index, document in reversed([*enumerate(facts.documents)])}.values())
    originals.sort()  # exact copies are another rule's
    with Sketches(choose_banding(_THRESHOLD)) as sketches:
        for index in originals:
            sketches.add(facts.documents[index])
        sketched = sketches.sketched()
        for match in star_clusters(buckets(sketched.keys()), sketched, _THRESHOLD):
            earlier, index = originals[match.kept], originals[match.removed]
            report(f"{match.similarity:.0%} the same as {facts.where(earlier, index)}", index,
                   f"take it out: dsforge dedup {facts.path[index]} -o OUT")  # fmt: skip


RULE = DatasetRule("D702", "warning", _check, frozenset({"documents"}), default=False)
