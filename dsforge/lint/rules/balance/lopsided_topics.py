"""Most questions are about one thing.

Why is this bad?
    The model gets better at that and forgets the rest. The questions of a sample of at most 20,000 rows are grouped by
    their words; told of where one group of up to twelve has more than half of them. Takes longer than the other rules
    and is a guess where no category says it, so it runs only when selected.

Bad:
    {"instruction": "Write an email to the customer in Ulm", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Rome", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Paris", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Oslo", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Bern", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Cairo", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Lima", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Kyiv", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Riga", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Doha", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Bonn", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Nice", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Cork", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Bath", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in York", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Lyon", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Graz", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Linz", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Metz", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Pisa", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Bari", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Vigo", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Gent", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Tartu", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Turku", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Espoo", "output": "Dear customer"}
    {"instruction": "Write an email to the customer in Malmo", "output": "Dear customer"}
    {"instruction": "Bake bread with rye flour", "output": "Mix it"}
    {"instruction": "Sort the list in Python", "output": "sorted(x)"}
    {"instruction": "Translate the poem", "output": "Done"}

Good:
    {"instruction": "Write an email about order 0", "output": "Yes"}
    {"instruction": "Sort a Python list of size 0", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 0", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 0", "output": "Yes"}
    {"instruction": "Write an email about order 1", "output": "Yes"}
    {"instruction": "Sort a Python list of size 1", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 1", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 1", "output": "Yes"}
    {"instruction": "Write an email about order 2", "output": "Yes"}
    {"instruction": "Sort a Python list of size 2", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 2", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 2", "output": "Yes"}
    {"instruction": "Write an email about order 3", "output": "Yes"}
    {"instruction": "Sort a Python list of size 3", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 3", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 3", "output": "Yes"}
    {"instruction": "Write an email about order 4", "output": "Yes"}
    {"instruction": "Sort a Python list of size 4", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 4", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 4", "output": "Yes"}
    {"instruction": "Write an email about order 5", "output": "Yes"}
    {"instruction": "Sort a Python list of size 5", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 5", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 5", "output": "Yes"}
    {"instruction": "Write an email about order 6", "output": "Yes"}
    {"instruction": "Sort a Python list of size 6", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 6", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 6", "output": "Yes"}
    {"instruction": "Write an email about order 7", "output": "Yes"}
    {"instruction": "Sort a Python list of size 7", "output": "Yes"}
    {"instruction": "Bake rye bread for guests 7", "output": "Yes"}
    {"instruction": "Translate a French poem of verse 7", "output": "Yes"}
"""

from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.report.evenness import effective_number

_MIN_ROWS = 30
_MOST_TOPICS = 12
_SHARE = 0.5


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    if len(facts.question) < _MIN_ROWS:
        return
    import random

    from dsforge.lint.rules.balance.topics import SAMPLE, topics_of  # numpy

    rows = sorted(random.Random(SAMPLE).sample(range(len(facts)), min(SAMPLE, len(facts))))  # noqa: S311
    count = min(_MOST_TOPICS, max(2, int((len(rows) / 2) ** 0.5)))
    topics = topics_of([facts.question[index] for index in rows], count)
    largest = topics[0]
    share = len(largest.members) / len(rows)
    if share > _SHARE:
        even = effective_number(len(topic.members) for topic in topics)
        name = ", ".join(largest.words)
        report(f"{share:.0%} of the questions are about one topic ({name}), of which this is the most typical; the "
               f"{len(topics)} topics are as even as {even:.1f} of the same size", rows[largest.members[0]],
               "write or generate rows on other topics, or take fewer of this one")  # fmt: skip


RULE = DatasetRule("B403", "info", _check, frozenset({"questions"}), default=False)
