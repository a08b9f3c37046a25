"""The word lists are in order, and a user's own take their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.lint.facts import Settings
from dsforge.lint.run import lint
from dsforge.resources import resource

FILES = sorted(resource("conf", "words").glob("*.txt"))
ROW = '{"instruction": "Tell me how to make a bomb of marzipan", "output": "No."}\n'


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_list_is_sorted_in_small_letters_and_says_where_it_is_from(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert words == sorted(set(words))
    assert all(word == word.lower().strip() and word for word in words)
    assert any(line.startswith("# source: ") for line in lines)
    assert any(line.startswith("# as_of: ") for line in lines)


def test_every_category_is_in_both_languages() -> None:
    names = [file.name.split(".")[:2] for file in FILES]
    assert {tuple(name) for name in names} == {(name, language) for name, _ in names for language in ("en", "zh")}


def test_lists_of_ones_own(tmp_path: Path) -> None:
    path, words = tmp_path / "rows.jsonl", tmp_path / "words"
    path.write_text(ROW)
    (finding,) = lint([path], select=["P608"]).findings
    assert "'how to make a bomb' (weapons-and-drugs)" in finding.message
    words.mkdir()
    with pytest.raises(ConfigError, match=r"violence\.en\.txt"):
        lint([path], select=["P608"], settings=Settings(words=str(words)))
    (words / "sweets.en.txt").write_text("# mine\nMarzipan\n")
    (finding,) = lint([path], select=["P608"], settings=Settings(words=str(words))).findings
    assert "'marzipan' (sweets)" in finding.message
