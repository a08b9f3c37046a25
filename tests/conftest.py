"""How hypothesis draws: the same examples on every run, so that a change is judged by what it changed; `make fuzz`
draws others, and what it finds is written down as an example of the test."""

from hypothesis import settings

settings.register_profile("gate", derandomize=True)
settings.register_profile("fuzz", derandomize=False, print_blob=True)
settings.load_profile("gate")
