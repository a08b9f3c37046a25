"""The page about a lint run shows the rows that the findings are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.lint.facts import Settings
from dsforge.lint.page import write_page
from dsforge.lint.run import lint

WORDS = "and so on " * 20  # more than the findings quote
TURNS = (
    f'[{{"prompt": "Hi", "response": "mail bob.smith@acme.com {WORDS}"}}, {{"prompt": "And then?", "response": "b"}}]\n'
)


@pytest.mark.parametrize(("name", "format"), [("rows.jsonl", "auto"), ("rows.json", "qianfan")])
def test_an_array_that_is_one_row_is_shown_whole(tmp_path: Path, name: str, format: str) -> None:
    path, page = tmp_path / name, tmp_path / "page.html"
    path.write_text(TURNS)
    settings = Settings(format=format)
    result = lint([path], select=["P602"], settings=settings, summarise=True)
    assert [found.row for found in result.findings] == [1]
    write_page(page, [str(path)], result, settings)
    assert "And then?" in page.read_text("utf-8")


def test_of_an_array_of_rows_only_the_row_is_shown(tmp_path: Path) -> None:
    path, page = tmp_path / "rows.json", tmp_path / "page.html"
    path.write_text(
        f'[{{"instruction": "Hi", "output": "mail bob.smith@acme.com {WORDS}"}},\n'
        '{"instruction": "And then?", "output": "b"}]'
    )
    result = lint([path], select=["P602"], summarise=True)
    write_page(page, [str(path)], result, Settings())
    assert "mail " in page.read_text("utf-8")
    assert "And then?" not in page.read_text("utf-8")
