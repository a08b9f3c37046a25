"""A file without rows is told from one whose rows are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import InputError
from dsforge.lint.not_json import refuse_what_is_not_json

ROW = '{"instruction": "a", "output": "b"}\n'
NOT_JSON = {
    "markdown": "# Title\n\nSome words.\n\n```\n" + ROW + "```\n\nMore [words](x).\nAnd more.\n",
    "headings alone": "# Title\n## Part\n",
    "links": "[a](b)\n[![c](d)](e)\n",
    "settings": '[tool]\nname = 1\nlist = [\n  "a",\n]\n',
    "yaml": "name: a\nrows:\n  - b\n",
    "python": '"""Says."""\n\nimport json\n\nfor row in rows:\n    print(row)\n}\n',
    "prose": "Say hello\n",
}
JSON = {
    "rows": ROW,
    "a byte order mark": "\ufeff" + ROW,
    "broken rows": "{'instruction': 'a'\n",
    "an array": f"[\n {ROW}]",
    "texts": '"a"\n"b"\n',
    "an array of arrays": '[["a", "b"]]\n',
    "comments first": "# one\n// two\n" + ROW,
    "an object over several lines after a comment": '// one\n{\n  "instruction": "a",\n  "output": "b"\n}\n',
    "a word before the rows": "Here they are:\n" + ROW * 3,
    "blank lines first": "\n\n" + ROW,
    "numbers": "1\n2\n",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_files_without_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_text(NOT_JSON[name], encoding="utf-8")
    with pytest.raises(InputError, match="file is not JSON or JSONL: it begins with"):
        refuse_what_is_not_json([str(path)])


@pytest.mark.parametrize("name", JSON)
def test_files_with_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_text(JSON[name], encoding="utf-8")
    refuse_what_is_not_json([str(path)])
    path.write_text(JSON[name], encoding="utf-16")
    refuse_what_is_not_json([str(path)])


def test_tables_and_what_is_no_plain_file_are_left_alone(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("instruction,output\na,b\n")
    refuse_what_is_not_json([str(table), "-", str(tmp_path / "none.jsonl"), str(tmp_path)])
