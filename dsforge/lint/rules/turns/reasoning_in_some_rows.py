r"""Some answers have reasoning and others have none.

Why is this bad?
    The model learns to think or not by chance. Where that is meant, as in models with a switch for it, each kind needs
    its sign in the prompt (`/think`, `/no_think`) and a fair share. Told of from 20 answers, where a side has a tenth
    or less.

Bad:
    {"instruction": "What is 0?", "output": "0"}
    {"instruction": "What is 1?", "output": "<think>\nEasy.\n</think>\n\n1"}
    {"instruction": "What is 2?", "output": "<think>\nEasy.\n</think>\n\n2"}
    {"instruction": "What is 3?", "output": "<think>\nEasy.\n</think>\n\n3"}
    {"instruction": "What is 4?", "output": "<think>\nEasy.\n</think>\n\n4"}
    {"instruction": "What is 5?", "output": "<think>\nEasy.\n</think>\n\n5"}
    {"instruction": "What is 6?", "output": "<think>\nEasy.\n</think>\n\n6"}
    {"instruction": "What is 7?", "output": "<think>\nEasy.\n</think>\n\n7"}
    {"instruction": "What is 8?", "output": "<think>\nEasy.\n</think>\n\n8"}
    {"instruction": "What is 9?", "output": "<think>\nEasy.\n</think>\n\n9"}
    {"instruction": "What is 10?", "output": "<think>\nEasy.\n</think>\n\n10"}
    {"instruction": "What is 11?", "output": "<think>\nEasy.\n</think>\n\n11"}
    {"instruction": "What is 12?", "output": "<think>\nEasy.\n</think>\n\n12"}
    {"instruction": "What is 13?", "output": "<think>\nEasy.\n</think>\n\n13"}
    {"instruction": "What is 14?", "output": "<think>\nEasy.\n</think>\n\n14"}
    {"instruction": "What is 15?", "output": "<think>\nEasy.\n</think>\n\n15"}
    {"instruction": "What is 16?", "output": "<think>\nEasy.\n</think>\n\n16"}
    {"instruction": "What is 17?", "output": "<think>\nEasy.\n</think>\n\n17"}
    {"instruction": "What is 18?", "output": "<think>\nEasy.\n</think>\n\n18"}
    {"instruction": "What is 19?", "output": "<think>\nEasy.\n</think>\n\n19"}

Good:
    {"instruction": "What is 0?", "output": "<think>\nEasy.\n</think>\n\n0"}
    {"instruction": "What is 1?", "output": "<think>\nEasy.\n</think>\n\n1"}
    {"instruction": "What is 2?", "output": "<think>\nEasy.\n</think>\n\n2"}
    {"instruction": "What is 3?", "output": "<think>\nEasy.\n</think>\n\n3"}
    {"instruction": "What is 4?", "output": "<think>\nEasy.\n</think>\n\n4"}
    {"instruction": "What is 5?", "output": "<think>\nEasy.\n</think>\n\n5"}
    {"instruction": "What is 6?", "output": "<think>\nEasy.\n</think>\n\n6"}
    {"instruction": "What is 7?", "output": "<think>\nEasy.\n</think>\n\n7"}
    {"instruction": "What is 8?", "output": "<think>\nEasy.\n</think>\n\n8"}
    {"instruction": "What is 9?", "output": "<think>\nEasy.\n</think>\n\n9"}
    {"instruction": "What is 10?", "output": "<think>\nEasy.\n</think>\n\n10"}
    {"instruction": "What is 11?", "output": "<think>\nEasy.\n</think>\n\n11"}
    {"instruction": "What is 12?", "output": "<think>\nEasy.\n</think>\n\n12"}
    {"instruction": "What is 13?", "output": "<think>\nEasy.\n</think>\n\n13"}
    {"instruction": "What is 14?", "output": "<think>\nEasy.\n</think>\n\n14"}
    {"instruction": "What is 15?", "output": "<think>\nEasy.\n</think>\n\n15"}
    {"instruction": "What is 16?", "output": "<think>\nEasy.\n</think>\n\n16"}
    {"instruction": "What is 17?", "output": "<think>\nEasy.\n</think>\n\n17"}
    {"instruction": "What is 18?", "output": "<think>\nEasy.\n</think>\n\n18"}
    {"instruction": "What is 19?", "output": "<think>\nEasy.\n</think>\n\n19"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule

_MIN_ROWS = 20
_SHARE = 0.1


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    rows, thinking = len(facts.reasons), facts.reasons.count(1)
    if rows < _MIN_ROWS or not 0 < min(thinking, rows - thinking) <= _SHARE * rows:
        return
    few = int(thinking <= rows - thinking)
    what = "have reasoning" if few else "have no reasoning"
    others = "none" if few else "do"
    report(f"{facts.reasons.count(few):,} of {rows:,} answers {what}, the others {others}; this is the first of them",
           facts.reasons.index(few), "write it, or take it out, so that all are alike")  # fmt: skip


RULE = DatasetRule("T217", "info", _check, frozenset({"answers"}))
