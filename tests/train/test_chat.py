"""A talk with a run: in pieces, turn by turn, with and without the adapter."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dsforge.errors import InputError
from dsforge.train.chat import Talk, open_talks
from dsforge.train.manifest import Manifest
from dsforge.train.saved import find_saved, load_saved

Run = tuple[Path, Manifest]
QUESTION = "Lamp 3: in stock?"


def test_an_answer_comes_in_pieces_and_stays_in_the_conversation(full_run: Run) -> None:
    talk = open_talks(find_saved(str(full_run[0])), system="Be brief.")["trained"]
    pieces = list(talk.ask(QUESTION))
    assert len(pieces) > 1
    answer = "".join(pieces)
    assert answer
    assert talk.messages == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": answer},
    ]  # fmt: skip
    talk.reset()
    assert [message["role"] for message in talk.messages] == ["system"]
    assert "".join(talk.ask(QUESTION)) == answer


def test_a_full_run_is_talked_to_beside_its_base(full_run: Run) -> None:
    talks = open_talks(find_saved(str(full_run[0])), base=True, most=12)
    assert list(talks) == ["base", "trained"]
    assert "".join(talks["trained"].ask(QUESTION)) == "Yes, it is in stock."
    assert "".join(talks["base"].ask(QUESTION)) != "Yes, it is in stock."


def test_the_base_of_an_adapter_answers_without_it(lora_run: Run) -> None:
    folder = lora_run[0]
    talks = open_talks(find_saved(str(folder / "adapter")), base=True, most=12)
    model, tokenizer = load_saved(find_saved(str(folder / "base")))
    alone = Talk(model, tokenizer, most=12)
    assert "".join(talks["base"].ask(QUESTION)) == "".join(alone.ask(QUESTION))
    assert "".join(talks["trained"].ask(QUESTION)) != "".join(talks["base"].messages[-1]["content"])


def test_an_answer_that_nobody_waits_for_ends(full_run: Run) -> None:
    talk = open_talks(find_saved(str(full_run[0])), most=2000)["trained"]
    pieces = talk.ask("Something it never saw")
    first = next(pieces, "")
    pieces.close()  # type: ignore[attr-defined]
    assert talk.messages[-1]["content"] == first
    assert "".join(talk.ask(QUESTION))


def test_a_conversation_that_is_too_long_stays_as_it_was(full_run: Run) -> None:
    talk = open_talks(find_saved(str(full_run[0])))["trained"]
    with pytest.raises(InputError, match=r"positions end at 4,096"):
        list(talk.ask("lamp " * 5000))
    assert talk.messages == []


def test_what_cannot_be_talked_to(full_run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reward model"):
        open_talks(replace(find_saved(str(full_run[0])), scores=True))
    with pytest.raises(InputError, match="is no folder"):
        find_saved(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="holds no adapter and no model"):
        find_saved(str(tmp_path))
    (tmp_path / "a.unfinished").mkdir()
    with pytest.raises(InputError, match="not finished"):
        find_saved(str(tmp_path / "a.unfinished"))
    shutil.copytree(full_run[0] / "base", tmp_path / "model")  # outside of any run
    with pytest.raises(InputError, match="is not known"):
        _ = find_saved(str(tmp_path / "model")).of_base
