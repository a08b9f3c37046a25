"""Documents cut into passages, and questions and answers made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsforge.augment.documents import LONGEST, SHORTEST, Block, PassageReader, joined, markdown_blocks, text_blocks
from dsforge.errors import InputError, UsageError
from tests.augment.faulty_server import Reply, serving
from tests.augment.test_methods import rows_of, run_on

MANUAL = """Lamps of all kinds.

# The desk lamp

It stands on a desk.

## Care ##

Wipe it.
Every week.

```sh
# not a heading

lamp --wipe
```

# The floor lamp
It stands on the floor.
"""


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text to a page."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for at, text in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * at} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET" if text else ""
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        out
        + (
            f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
            f"startxref\n{len(out)}\n%%EOF\n"
        ).encode()
    )


def passages(source: Path) -> list[tuple[str, dict[str, Any], int]]:
    return [(example.messages[0].text, example.meta, row.line) for row, example in PassageReader(str(source))]


def test_markdown_is_told_by_its_headings() -> None:
    care = ("The desk lamp", "Care")
    assert list(markdown_blocks(MANUAL)) == [
        Block("Lamps of all kinds.", 1, ()),
        Block("It stands on a desk.", 5, ("The desk lamp",)),
        Block("Wipe it.\nEvery week.", 9, care),
        Block("```sh\n# not a heading\n\nlamp --wipe\n```", 12, care),
        Block("It stands on the floor.", 19, ("The floor lamp",)),
    ]
    assert list(markdown_blocks("~~~\na\n\n# b")) == [Block("~~~\na\n\n# b", 1, ())]


def test_paragraphs_of_text_stand_between_blank_lines() -> None:
    assert list(text_blocks("one\ntwo\n\n \nthree")) == [Block("one\ntwo", 1), Block("three", 5)]


def test_sections_are_passages_unless_they_are_too_short() -> None:
    long = "x" * SHORTEST
    blocks = [Block(long, 1, ("a",)), Block(long, 3, ("a", "b")), Block("short", 5, ("a", "b", "c")), Block(long, 7)]
    assert list(joined(blocks)) == [
        Block(long, 1, ("a",)),
        Block(long, 3, ("a", "b")),
        Block(f"short\n\n{long}", 5, ()),
    ]
    assert list(joined([*blocks[:2], Block("end", 9, ("a", "z"))])) == [
        Block(long, 1, ("a",)),
        Block(f"{long}\n\nend", 3, ("a",)),
    ]


@given(st.lists(st.text("ab.! 。灯\n", max_size=400).map(lambda text: text * 20), max_size=6))
@settings(deadline=None, max_examples=60)
def test_no_character_is_lost_and_no_passage_is_too_long(texts: list[str]) -> None:
    blocks = [Block(text.strip(), at + 1) for at, text in enumerate(texts) if text.strip()]
    found = list(joined(blocks))
    whole = "".join("".join(block.text for block in blocks).split())
    assert "".join("".join(passage.text for passage in found).split()) == whole
    assert all(len(passage.text) <= LONGEST + SHORTEST + 100 for passage in found)


def test_long_paragraphs_are_cut_between_sentences() -> None:
    sentence = "The lamp is switched on by its knob. "
    found = list(joined([Block((sentence * 200).strip(), 1)]))
    assert len(found) == 3
    assert all(passage.text.startswith("The lamp") and passage.text.endswith("knob.") for passage in found)
    wide = list(joined([Block("灯" * LONGEST, 1)]))
    assert [len(passage.text) for passage in wide] == [LONGEST // 2, LONGEST // 2]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(pdf("Wipe the shade.", "", "Change the bulb."))
    (tmp_path / "a.txt").write_bytes("台灯每周擦拭一次，不要用酒精。".encode("gb18030") * 40)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.md").write_text("# Lamp\n\nOff.", encoding="utf-8-sig")
    (tmp_path / "notes.docx").write_bytes(b"x")
    (first, *_), (second, *_), (third, *_) = (passages(tmp_path / name) for name in ("a.txt", "b.pdf", "sub/c.md"))
    assert first[1] == {"document": "a.txt"}
    assert first[0].startswith("台灯每周擦拭")
    assert second == ("Wipe the shade.\n\nChange the bulb.", {"document": "b.pdf", "page": 1}, 1)
    assert third == ("Off.", {"document": "c.md", "heading": "Lamp"}, 3)
    assert [meta["document"] for _, meta, _ in passages(tmp_path)] == ["a.txt", "b.pdf", "c.md"]


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.txt", b" \n", "holds no text"),
        ("a.pdf", b"%PDF-1.4\nnothing", "cannot be read as a PDF"),
        ("a.pdf", b"", "cannot be read as a PDF"),
        ("a.pdf", pdf("", ""), "a scan"),
        ("a.docx", b"x", "none of the documents"),
        ("a.md", b"\xff\xfe\x00\xd8\x00", "not UTF-8"),
        ("none", None, "does not exist"),
        ("empty", "folder", "holds no document"),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_is_asked(tmp_path: Path, name: str, raw: Any, said: str) -> None:
    path = tmp_path / name
    if raw == "folder":
        path.mkdir()
    elif raw is not None:
        path.write_bytes(raw)
    with serving() as server:
        with pytest.raises(InputError, match=said):
            run_on(server, path, tmp_path / "out.jsonl", "document")
        assert not server.log.bodies


def test_a_document_of_a_folder_that_cannot_be_read_is_a_reject(tmp_path: Path) -> None:
    folder = tmp_path / "manuals"
    folder.mkdir()
    (folder / "a.txt").write_text(" ")
    (folder / "b.pdf").write_bytes(b"%PDF-1.4")
    (folder / "c.md").write_text("# Lamp\n\nWipe it with a dry cloth.\n")
    with serving(lambda prompt, times: Reply('{"question": "How is the lamp wiped?", "answer": "Dry."}')) as server:
        result = run_on(server, folder, tmp_path / "out.jsonl", "document")
    assert (result.rows_in, result.rows_kept, result.rows_rejected) == (3, 1, 2)
    rejects = rows_of(tmp_path / "out.rejects.jsonl")
    assert [(Path(reject["path"]).name, reject["code"]) for reject in rejects] == [("a.txt", "A904"), ("b.pdf", "A904")]


def test_questions_are_of_several_kinds_and_no_two_the_same(tmp_path: Path) -> None:
    source = tmp_path / "manual.md"
    source.write_text(f"# Lamp\n\n{'It is wiped with a dry cloth. ' * 20}\n\n# Chair\n\n{'It is painted. ' * 30}\n")

    def answer(prompt: str, times: int) -> Reply:
        about = "lamp" if 'heading="Lamp"' in prompt else "chair"
        kind = "fact" if "about: a fact" in prompt else "same"
        return Reply(json.dumps({"question": f"What {kind} of the {about} is it that matters?", "answer": "Care."}))

    with serving(answer) as server:
        result = run_on(server, source, tmp_path / "out.jsonl", "document", per_row=3)
        alpaca = run_on(server, source, tmp_path / "alpaca.jsonl", "document", to_format="alpaca")
        assert len(server.log.bodies) == 8
        for wrong in ({"with_seeds": True}, {"format_name": "alpaca"}):
            with pytest.raises(UsageError, match="leave out --"):
                run_on(server, source, tmp_path / "out.jsonl", "document", **wrong)
    assert (result.rows_in, result.rows_kept, result.dropped) == (2, 4, {"identical to an earlier row": 2})
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["heading"] for row in rows] == ["Lamp", "Lamp", "Chair", "Chair"]
    assert rows[0]["provenance"]["source_row"] == 1
    assert alpaca.rows_kept == 2
    assert rows_of(tmp_path / "alpaca.jsonl")[0]["instruction"] == "What fact of the lamp is it that matters?"
