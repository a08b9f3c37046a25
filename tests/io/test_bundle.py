"""Zip bundles: rows and images streamed, everything that leads elsewhere or blows up refused."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from dsforge.errors import InputError, OutputError
from dsforge.io import bundle
from dsforge.io.bundle import Bundle, write_bundle
from dsforge.io.rows import Row, RowReader

ROWS = [b'{"image":"images/1.png"}', '{"image":"图片/二.png"}'.encode()]
IMAGES = {"images/1.png": b"\x89PNG one", "图片/二.png": b"\x89PNG two"}


def write(path: Path, rows: list[bytes] = ROWS, images: dict[str, bytes] = IMAGES) -> None:
    write_bundle(path, iter(rows), ((name, lambda content=content: content) for name, content in images.items()))  # type: ignore[misc]


def zipped(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def rows_of(path: Path | str) -> list[bytes]:
    return [row.raw for row in RowReader(path) if isinstance(row, Row)]


def test_rows_and_images_come_back(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    write(path)
    reader = RowReader(path)
    assert not reader.splittable
    assert [row.raw for row in reader if isinstance(row, Row)] == ROWS
    with Bundle(path) as found:
        assert found.names == ["data.jsonl", *IMAGES]
        assert {name: found.read(name) for name in IMAGES} == IMAGES
        with pytest.raises(InputError, match="no file 'x'"):
            found.read("x")
    first = path.read_bytes()
    write(path)
    assert path.read_bytes() == first


def test_images_are_asked_for_one_at_a_time(tmp_path: Path) -> None:
    alive: list[int] = []

    def image(number: int) -> Callable[[], bytes]:
        def content() -> bytes:
            alive.append(number)
            return bytes([number])

        return content

    write_bundle(tmp_path / "o.zip", [], ((f"{number}.png", image(number)) for number in range(5)))
    assert alive == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\b", "C:/x", "", "a\x00b", "data.jsonl"])
def test_names_that_no_reader_would_take_are_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="cannot hold a file named"):
        write(tmp_path / "o.zip", images={name: b"x"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [("/etc/passwd", "absolute"), ("a/../../x", "leads out"), ("..", "leads out"), ("a\\..\\x", "backslash"),
     ("C:/x", "absolute"), ("a\x01b", "control")],
)  # fmt: skip
def test_names_that_lead_elsewhere_refuse_the_archive(tmp_path: Path, name: str, said: str) -> None:
    path = zipped(tmp_path / "o.zip", {"data.jsonl": ROWS[0], name: b"x"})
    for read in (Bundle, RowReader):
        with pytest.raises(InputError, match=said):
            read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_not_what_they_seem(tmp_path: Path) -> None:
    path = tmp_path / "o.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jsonl", ROWS[0])
        archive.writestr("a.jsonl", ROWS[1])
    with pytest.raises(InputError, match="stands twice"):
        Bundle(path)
    link = zipfile.ZipInfo("a.jsonl")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        Bundle(path)
    content = bytearray(zipped(path, {"a.jsonl": ROWS[0]}).read_bytes())
    for offset in (6, content.rindex(b"PK\x01\x02") + 8):
        content[offset] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="encrypted"):
        Bundle(path)


def test_members_that_lie_within_another(tmp_path: Path) -> None:
    path = zipped(tmp_path / "o.zip", {"a.jsonl": b"x" * 100, "b.png": b"y" * 100}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 10)
    path.write_bytes(content)
    with pytest.raises(InputError, match="lies within another"):
        Bundle(path)


def test_what_blows_up_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "o.zip", {"data.jsonl": b'{"a":1}\n', "bomb.png": bytes(50 << 20)})
    with Bundle(path) as found, pytest.raises(InputError, match=r"bomb\.png unpacks to more than"):
        found.read("bomb.png")
    assert rows_of(path) == [b'{"a":1}']
    with pytest.raises(InputError, match="unpacks to more than"):
        list(RowReader(zipped(path, {"data.jsonl": b'{"a":1}\n' * (1 << 18)})))
    zipped(path, {"data.jsonl": ROWS[0], "a.png": b"12345", "b.png": b"12345"}, zipfile.ZIP_STORED)
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 2)
    with pytest.raises(InputError, match="holds 3 files"):
        Bundle(path)
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 3)
    monkeypatch.setattr(bundle, "MAX_TOTAL", 20)
    with pytest.raises(InputError, match="unpacks to more than"):
        Bundle(path)
    with Bundle(zipped(path, {"a.png": b"x" * 15}, zipfile.ZIP_STORED)) as found:
        found.read("a.png")
        with pytest.raises(InputError, match="not read further"):
            found.read("a.png")
        with found.open("a.png", 10) as file, pytest.raises(InputError, match="unpacks to more"):
            file.read()


def test_the_size_that_the_directory_says_is_not_believed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "o.zip", {"a.png": b"x" * 5000}, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    with Bundle(path) as found, pytest.raises(InputError, match="cannot be unpacked"):
        found.read("a.png")


def test_chinese_names_without_the_mark_of_utf8(tmp_path: Path) -> None:
    path = tmp_path / "o.zip"
    for encoding in ("gbk", "utf-8"):
        raw = "图片/二.png".encode(encoding)
        zipped(path, {"data.jsonl": ROWS[1], "N" * len(raw): b"two"})
        path.write_bytes(path.read_bytes().replace(b"N" * len(raw), raw))
        with Bundle(path) as found:
            assert found.names == ["data.jsonl", "图片/二.png"]
            assert found.read("图片/二.png") == b"two"


def test_which_member_holds_the_rows(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "o.zip", {"a.jsonl": ROWS[0], "deep/b.json": ROWS[1], "__MACOSX/._a.jsonl": b"x", ".c.jsonl": b""}
    )
    with pytest.raises(
        InputError, match=r"several files of rows \(a\.jsonl, deep/b\.json\): name one, as .*o\.zip#a\.jsonl"
    ):
        RowReader(path)
    assert rows_of(f"{path}#deep/b.json") == [ROWS[1]]
    with pytest.raises(InputError, match="no file 'c'"):
        RowReader(f"{path}#c")
    with pytest.raises(InputError, match=r"no \.jsonl or \.json"):
        RowReader(zipped(path, {"a.png": b"x"}))
    with pytest.raises(InputError, match=r"save it as \.xlsx"):
        RowReader(zipped(path, {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}))


def test_a_broken_member_is_one_error(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "o.zip", {"a.jsonl": b'{"a":1}\n' * 99}, zipfile.ZIP_STORED).read_bytes())
    content[100] ^= 1
    (tmp_path / "o.zip").write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        list(RowReader(tmp_path / "o.zip"))


def test_rows_larger_than_the_buffers(tmp_path: Path) -> None:
    rows = [b'{"a":"%s"}' % Random(size).randbytes(size).hex().encode() for size in (10, 1 << 20, 3 << 18, 5)]
    write(tmp_path / "o.zip", rows, {})
    assert rows_of(tmp_path / "o.zip") == rows
