"""Media go where they are asked to go; no row reaches for a file beyond its folder, and nothing is fetched."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dsforge.convert import convert
from dsforge.errors import OutputError, UsageError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def _row(url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "A cat."}]}


def _source(folder: Path, *urls: str) -> str:
    path = folder / "in.jsonl"
    path.write_text("\n".join(json.dumps(_row(url)) for url in urls))
    (folder / "img").mkdir(exist_ok=True)
    (folder / "img" / "cat.png").write_bytes(PNG)
    return str(path)


def _urls(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row["messages"][0]["content"][1]["image_url"]["url"] for row in rows]


def test_files_are_embedded_and_urls_stay(tmp_path: Path) -> None:
    source = _source(tmp_path, "img/cat.png", DATA_URL, "https://example.com/a.png")
    result = convert([source], tmp_path / "out.jsonl", "chatml", media="embed", verify=True)
    assert result.verified == 3
    assert _urls(tmp_path / "out.jsonl") == [DATA_URL, DATA_URL, "https://example.com/a.png"]


def test_a_bundle_holds_rows_and_files_and_is_read_again(tmp_path: Path) -> None:
    source = _source(tmp_path, "img/cat.png", DATA_URL, "img/cat.png")
    bundle = tmp_path / "out.zip"
    assert convert([source], bundle, "bailian", verify=True).verified == 3
    with zipfile.ZipFile(bundle) as archive:
        rows, first, second = archive.namelist()
        assert rows == "data.jsonl"
        assert first == "img/cat.png"
        assert archive.read(first) == archive.read(second) == PNG
    back = tmp_path / "back.jsonl"
    assert convert([str(bundle)], back, "chatml", media="embed", verify=True).verified == 3
    assert _urls(back) == [DATA_URL] * 3


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("../secret.png", "lies outside"),
        ("/etc/passwd", "lies outside"),
        ("file:///etc/passwd", "lies outside"),
        ("img/none.png", "No such file"),
        ("img/text.png", "no image, audio or video"),
        ("https://example.com/a.png", "nothing is fetched"),
        ("data:image/png;base64,@@@", "no valid base64"),
    ],
)
def test_what_cannot_be_had_is_a_rejected_row(tmp_path: Path, url: str, said: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    source = _source(folder, url, "img/cat.png")
    (folder / "img" / "text.png").write_text("no picture")
    result = convert([source], tmp_path / "out.zip", "bailian")
    assert (result.rows_out, result.rows_rejected) == (1, 1)
    assert result.reasons[0].code == "S904"
    assert said in result.reasons[0].first


def test_another_root_is_allowed_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    source = _source(folder, "cat.png")
    result = convert([source], tmp_path / "out.jsonl", "chatml", media="embed", media_root=str(folder / "img"))
    assert result.rows_out == 1


def test_two_files_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    sources = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        sources.append(_source(tmp_path / name, "img/cat.png"))
    convert(sources, tmp_path / "same.zip", "bailian")
    (tmp_path / "b" / "img" / "cat.png").write_bytes(PNG + b"another")
    with pytest.raises(OutputError, match=r"two different files are called img/cat.png"):
        convert(sources, tmp_path / "out.zip", "bailian")
    assert not (tmp_path / "out.zip").exists()


def test_a_bundle_needs_a_zip(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in .zip"):
        convert([_source(tmp_path, "img/cat.png")], tmp_path / "out.jsonl", "bailian", media="bundle")
