"""Encodings: UTF-16 by its mark, GB18030 only where there is no doubt, and never in silence."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.engine.chunks import plan_chunks
from dsforge.errors import InputError, UsageError
from dsforge.io.encoding import told_encoding
from dsforge.io.rows import Refused, Row, RowReader

CHINESE = "请帮我把这个地址改成新的，谢谢。我们在北京的公司已经搬到了中关村，大家都说那里的工作环境很好，" * 2
TEXT = json.dumps({"instruction": "改地址", "output": CHINESE}, ensure_ascii=False)
JAPANESE = "次の文章を英語に翻訳してください。日本語は難しいです。" * 20
KOREAN = "그는 어제 학교에 가서 친구들과 함께 공부를 했습니다. 한국어 문장을 번역해 주세요. " * 20
TAIWANESE = "這是一個測試文件，我們在這裡說明如何使用這個系統的時候會發生什麼。" * 20


def values(reader: RowReader) -> list[object]:
    return [row.value for row in reader if isinstance(row, Row)]


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5),
    mark=st.sampled_from([("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE),
                          ("utf-32-le", codecs.BOM_UTF32_LE), ("utf-8", codecs.BOM_UTF8)]),
    indent=st.sampled_from([None, 1]),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_mark_says_the_encoding(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], mark: tuple[str, bytes], indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("marked") / "rows.json"
    rows = [{"text": text} for text in texts]
    path.write_bytes(mark[1] + json.dumps(rows, ensure_ascii=False, indent=indent).encode(mark[0]))
    reader = RowReader(path)
    assert values(reader) == rows
    assert not reader.notices


def test_broken_utf16_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"a": 1}\n{"a": "你"}'.encode("utf-16") + b"\n")
    with pytest.raises(InputError, match="broken UTF-16"):
        list(RowReader(path))


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "gb2312"])
def test_chinese_of_windows_is_read_with_a_notice(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes((TEXT + "\n" + '{"id": "好"}').encode(encoding) + b"\n" + TEXT.encode(encoding))
    reader = RowReader(path)
    assert values(reader) == [json.loads(TEXT), {"id": "好"}, json.loads(TEXT)]
    assert "read as GB18030" in reader.notices[0]


def test_a_byte_that_is_wrong_refuses_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes((TEXT + "\n").encode("gb18030") * 200 + b'{"a": "\xff"}\n' + TEXT.encode("gb18030"))
    rows = list(RowReader(path, encoding="gb18030"))
    assert [row.number for row in rows if isinstance(row, Refused)] == [201]


UNSURE = {
    "short": '{"a": "你好，世界"}'.encode("gb18030"),
    "one row of many": (TEXT + "\n").encode() * 9 + TEXT.encode("gb18030"),
    "mixed": (TEXT + "\n").encode("gb18030") * 9 + TEXT.encode(),
    "korean": KOREAN.encode("euc-kr"),
    "japanese": JAPANESE.encode("euc-jp"),
    "japanese of windows": JAPANESE.encode("shift_jis"),
    "traditional": TAIWANESE.encode("big5"),
    "latin": ("Größe für die Straße, ÄÖÜ äöü. " * 50).encode("latin-1"),
    "russian": ("Привет, как твои дела? Хорошо. " * 50).encode("cp1251"),
    "russian of unix": ("Привет, как твои дела? Хорошо. " * 50).encode("koi8-r"),
    "noise": bytes(range(128, 256)) * 50,
}


@pytest.mark.parametrize("content", UNSURE.values(), ids=UNSURE)
def test_where_there_is_doubt_nothing_is_converted(tmp_path: Path, content: bytes) -> None:
    assert told_encoding(content) == "utf-8"
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    reader = RowReader(path)
    refused = [row for row in reader if isinstance(row, Refused)]
    assert refused
    assert not reader.notices
    assert all(problem.kind in ("encoding", "syntax") for row in refused for problem in row.problems)


def test_utf8_beyond_what_was_looked_at_is_no_gb18030(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes((TEXT + "\n").encode("gb18030") * 8000 + TEXT.encode())
    with pytest.raises(InputError, match=r"line 8,001 is UTF-8"):
        list(RowReader(path))


def test_the_user_can_name_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"a": "你好"}'.encode("gbk"))
    reader = RowReader(path, encoding="gbk")
    assert values(reader) == [{"a": "你好"}]
    assert not reader.notices
    path.write_bytes('{"a": "é"}'.encode("latin-1"))
    assert values(RowReader(path, encoding="latin-1")) == [{"a": "é"}]
    for unknown in ("klingon", "base64", "", "\x00"):
        with pytest.raises(UsageError, match="no encoding is named"):
            RowReader(path, encoding=unknown)


def test_a_file_in_another_encoding_is_one_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsforge.engine.chunks.MIN_CHUNK", 500)
    path = tmp_path / "rows.jsonl"
    path.write_bytes((TEXT + "\n").encode("gb18030") * 20)
    assert len(plan_chunks(path, 4)) == 1
    (named,) = plan_chunks(path, 4, "gbk")
    assert named.encoding == "gbk"
    path.write_bytes((TEXT + "\n").encode() * 20)
    assert len(plan_chunks(path, 4)) > 1
