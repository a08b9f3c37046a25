import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH, WeightedMinHashGenerator

from dsforge.dedup.lsh_store import FileStore, Note, key_text, open_store
from dsforge.errors import InputError, OutputError, UsageError

NOTE = Note(18, 7, {"--on": "prompt"})


def an_lsh(keys: int = 3, scheme: str = "affine32", num_perm: int = 128, **options: Any) -> MinHashLSH:
    lsh = MinHashLSH(num_perm=num_perm, **({"params": (18, 7)} | options))
    for key in range(keys):
        sketch = MinHash(num_perm, scheme=scheme)
        sketch.update_batch([f"{key} {shingle}".encode() for shingle in range(30)])
        lsh.insert(f"key {key}", sketch)
    return lsh


def pickled(folder: Path, value: object, protocol: int = pickle.DEFAULT_PROTOCOL) -> Path:
    path = folder / "known.pickle"
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def tables(lsh: Any) -> list[dict[Any, Any]]:
    return [dict(table._dict) for table in (lsh.keys, *lsh.hashtables)]


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("options", [{}, {"params": (9, 14)}, {"prepickle": True}, {"params": None}], ids=str)
def test_what_datasketch_pickles_is_read_and_written(tmp_path: Path, protocol: int, options: dict[str, Any]) -> None:
    lsh = an_lsh(**options)
    path = pickled(tmp_path, lsh, protocol)
    store = FileStore(path)
    assert tables(store.lsh) == tables(lsh)
    assert (store.lsh.b, store.lsh.r, store.lsh.prepickle, store.note) == (lsh.b, lsh.r, lsh.prepickle, None)
    sketch = MinHash()
    sketch.update(b"more")
    store.begin(NOTE).insert("more", sketch)
    store.save()
    store.close()
    lsh.insert("more", sketch)
    again = pickle.loads(path.read_bytes())
    assert tables(again) == tables(lsh)
    assert again.query(sketch) == ["more"]
    assert not hasattr(again, "dsforge")


def test_the_note_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        store = FileStore(tmp_path / "known.pkl")
        store.begin(NOTE)
        store.save()
        store.close()
        assert pickle.loads((tmp_path / "known.pkl").read_bytes()).dsforge == {
            "bands": 18, "rows": 7, "compared": {"--on": "prompt"},
        }  # fmt: skip
    assert store.note == NOTE


class Evil:
    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


def hostile(place: Path) -> list[object]:
    """Pickles that would make the file `place`, or get at what could."""
    command = f"touch {place}"
    by_attribute, by_key, in_table, of_class = an_lsh(), an_lsh(), an_lsh(), an_lsh()
    by_attribute.more = Evil(os.system, (command,))
    by_key.insert(("a", Evil(os.system, (command,))), MinHash())
    in_table.keys._dict["x"] = Evil(eval, (f"open({str(place)!r}, 'w')",))
    of_class.hashtables[2] = Evil(getattr, (MinHashLSH.__init__, "__globals__"))
    return [
        Evil(os.system, (command,)), by_attribute, by_key, in_table, of_class, Evil(getattr, (an_lsh(), "merge")),
        Evil(__import__, ("os",)), MinHash(), {"a": 1}, [1], None, 7, MinHashLSH, OrderedDict(), np.arange(3),
        an_lsh().keys,
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(16))
def test_nothing_that_a_pickle_names_is_run(tmp_path: Path, number: int) -> None:
    path = pickled(tmp_path, hostile(tmp_path / "run")[number])
    with pytest.raises(InputError, match=r"is no pickled MinHashLSH .* a pickle can run code"):
        FileStore(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x80", b"not a pickle", b"cos\nsystem\n(S'true'\ntR.", b"cdatasketch.lsh\nMinHashLSH.insert\n."],
    ids=repr,
)
def test_other_bytes_are_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "known.pickle").write_bytes(raw)
    with pytest.raises(InputError, match="is no pickled MinHashLSH"):
        FileStore(tmp_path / "known.pickle")


def test_any_cut_is_refused(tmp_path: Path) -> None:
    whole = pickle.dumps(an_lsh(1))
    for end in range(0, len(whole), 97):
        (tmp_path / "known.pickle").write_bytes(whole[:end])
        with pytest.raises(InputError):
            FileStore(tmp_path / "known.pickle")


def of_weights() -> MinHashLSH:
    lsh = MinHashLSH(num_perm=128, params=(18, 7))
    lsh.insert("a", WeightedMinHashGenerator(5, 128).minhash(np.arange(1.0, 6)))
    return lsh


def before_schemes() -> MinHashLSH:
    lsh = an_lsh(scheme="legacy")
    del lsh._minhash_scheme
    return lsh


@pytest.mark.parametrize(
    "make",
    [
        lambda: an_lsh(scheme="legacy"),
        lambda: an_lsh(scheme="affine64"),
        lambda: an_lsh(num_perm=256),
        lambda: an_lsh(num_perm=128, hashfunc=len),
        lambda: an_lsh(0, num_perm=64, params=(8, 8)),
        lambda: an_lsh(num_perm=256, params=(32, 8)),
        of_weights,
        before_schemes,
    ],
)
def test_other_signatures_are_refused(tmp_path: Path, make: Any) -> None:
    with pytest.raises(InputError, match=r"MinHash\(num_perm=128, seed=1|names builtins.len"):
        FileStore(pickled(tmp_path, make()))


def test_keys_are_told_as_text() -> None:
    for key, text in [("a:1", "a:1"), (b"a\xff", "a\\xff"), (("a", 1), "('a', 1)"), (7, "7")]:
        assert key_text(key, is_pickled=False) == text
        assert key_text(pickle.dumps(key), is_pickled=True) == text
    assert key_text(b"raw", is_pickled=True) == "raw"
    assert "os" in key_text(pickle.dumps(Evil(os.system, ("true",))), is_pickled=True)


@pytest.mark.parametrize(
    "where",
    [
        "known", "known.json", "localhost:6379", "redis://localhost", "redis://localhost/0", "redis://h:x/0?name=a",
        "redis:///0?name=a", "redis://h/zero?name=a", "redis://h/0?name=a&name=b", "http://h/0?name=a",
    ],
)  # fmt: skip
def test_other_places_are_refused(where: str) -> None:
    with pytest.raises(UsageError, match="--lsh"):
        open_store(where)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        open_store(str(tmp_path / "none" / "known.pickle"))
