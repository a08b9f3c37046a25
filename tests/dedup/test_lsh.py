"""LSHs of datasketch, in a file and in a Redis of the test's own."""

import json
import os
import pickle
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH

from dsforge.dedup.lsh import Lsh, export_lsh, minhash
from dsforge.dedup.result import DedupResult
from dsforge.dedup.run import dedup
from dsforge.errors import DsforgeError, InputError, OutputError, ServiceError, UsageError
from dsforge.similarity.collect import Collected
from dsforge.similarity.compared import compared
from dsforge.similarity.lsh import Banding
from dsforge.similarity.minhash import PERMUTATIONS, sign_numpy
from dsforge.similarity.shingle import U32, pack
from dsforge.similarity.signed import Signed
from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.dedup.rows import LONG, Row, alpaca, read, write
from tests.dedup.test_index import batches
from tests.similarity.brute import packed, random_text

BANDS = (18, 7)
BANDING = Banding(*BANDS)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that this fixture starts and ends."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    client = pytest.importorskip("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        with client.Redis(port=port) as probe:
            for _ in range(100):
                try:
                    probe.ping()
                    break
                except client.ConnectionError:
                    time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=["file", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for an LSH in which there is none."""
    if request.param == "file":
        return str(tmp_path / "known.pickle")
    return f"{request.getfixturevalue('redis_url')}?name={tmp_path.name}"


def opened(where: str, bands: tuple[int, int] = BANDS) -> Any:
    """The LSH, as datasketch's users open it."""
    if "://" not in where:
        return pickle.loads(Path(where).read_bytes())
    address, _, name = where.partition("?name=")
    config = {"host": "127.0.0.1", "port": int(address.rpartition(":")[2].partition("/")[0])}
    storage = {"type": "redis", "basename": name.encode(), "redis": config}
    return MinHashLSH(num_perm=PERMUTATIONS, params=bands, storage_config=storage)


def keys(lsh: Any) -> list[Any]:
    return sorted(pickle.loads(key) if lsh.prepickle else key for key in lsh.keys)


def add(folder: Path, name: str, rows: list[Row], where: str, **options: object) -> tuple[DedupResult, list[Row]]:
    source = folder / f"{name}.jsonl"
    if not source.exists() or read(source) != rows:  # one that is written anew is another input
        write(source, rows)
    result = dedup([str(source)], folder / f"{name}.out.jsonl", lsh=where, **options)  # type: ignore[arg-type]
    assert result.rows_in == (
        result.rows_out + result.rows_rejected + len(result.removed) + result.lsh_duplicates + result.contradictory
    )
    return result, read(folder / f"{name}.out.jsonl")


def signature(prompt: str, answer: str) -> U32:
    return sign_numpy(packed([(prompt, answer, "")]))[0]


def test_a_signature_is_a_minhash_of_datasketch() -> None:
    rng = random.Random(2)
    code = "def f(x):\n    return x + 1\n" * 9
    documents = [(random_text(rng), random_text(rng), "") for _ in range(300)]
    documents += [
        ("", "", ""),
        (code, "", code),
        ("退款什么时候到账？" * 5, "三到五个工作日", ""),
        ("", "only an answer", ""),
    ]
    ours = [minhash(signature) for signature in sign_numpy(packed(documents))]
    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
    for number, sketch in enumerate(ours):
        lsh.insert(number, sketch)
    for number, sketch in enumerate(ours):
        assert number in lsh.query(sketch)
        assert pickle.loads(pickle.dumps(sketch)) == sketch
        assert sketch.jaccard(ours[0]) == (sketch.hashvalues == ours[0].hashvalues).mean()
    assert ours[300] == MinHash(PERMUTATIONS, seed=1, scheme="affine32")
    assert np.array_equal(ours[0].permutations, MinHash(PERMUTATIONS).permutations)


def test_an_index_is_exported_and_datasketch_finds_its_rows(tmp_path: Path, where: str) -> None:
    for number, rows in enumerate(batches(3, 60)):
        source = write(tmp_path / f"part{number}.jsonl", rows)
        result = dedup([str(source)], tmp_path / f"out{number}.jsonl", index=tmp_path / "index")
    count = result.indexed
    assert export_lsh(tmp_path / "index", where) == count
    assert export_lsh(tmp_path / "index", where) == 0
    lsh = opened(where)
    assert (lsh.h, lsh.b, lsh.r) == (PERMUTATIONS, *BANDS)
    assert len(keys(lsh)) == count
    sources = {str(tmp_path / f"part{number}.jsonl"): rows for number, rows in enumerate(batches(3, 60))}
    for key in keys(lsh):
        path, _, row = key.partition("#dsforge:")[0].rpartition(":")
        said = sources[path][int(row) - 1]
        parts = compared_parts(str(said["instruction"]), str(said["output"]))
        assert key in lsh.query(minhash(sign_numpy(pack([parts]))[0]))


def compared_parts(prompt: str, answer: str) -> tuple[bytes, bytes, bytes]:
    from dsforge.example import Example, Message

    return compared(Example([Message("user", prompt), Message("assistant", answer)])).parts


def test_additions_are_judged_as_by_an_index(tmp_path: Path, where: str) -> None:
    """By estimate: rows whose exact similarity is near the threshold may be judged otherwise."""
    differing = held = 0
    for number, rows in enumerate(batches(4, 60)):
        result, _ = add(tmp_path, f"part{number}", rows, where)
        exactly = dedup([str(tmp_path / f"part{number}.jsonl")], tmp_path / "exact.jsonl", index=tmp_path / "index")
        assert result.lsh_rows == len(opened(where).keys)
        there = {each.row for each in result.in_lsh}
        differing += len(there ^ {each.row for each in exactly.removed if each.against})
        held += len(there)
    assert held > 20
    assert differing <= held * 0.15


def test_what_is_held_is_told_and_not_added(tmp_path: Path, where: str) -> None:
    add(tmp_path, "first", [alpaca("a", "b"), alpaca("What is sent?", LONG)], where)
    result, kept = add(
        tmp_path,
        "second",
        [alpaca("What is sent?", LONG + "x"), alpaca("new", "row"), alpaca("A", "B"), alpaca("a", " b ")],
        where,
    )
    assert kept == [alpaca("new", "row")]
    first = tmp_path / "first.jsonl"
    places = [(each.row, each.key.partition("#")[0]) for each in result.in_lsh]
    assert places == [(1, f"{first}:2"), (3, f"{first}:1"), (4, f"{first}:1")]
    assert [each.estimate for each in result.in_lsh[1:]] == [1, 1]
    assert result.removed == []
    assert result.lsh_rows == len(keys(opened(where))) == 3


@pytest.mark.parametrize("options", [{"system": "Be brief."}, {"system": "Be kind."}], ids=str)
def test_what_has_to_be_equal_has_to(tmp_path: Path, where: str, options: dict[str, object]) -> None:
    add(tmp_path, "first", [alpaca("What is sent?", LONG)], where)
    assert add(tmp_path, "second", [alpaca("What is sent?", LONG, **options)], where)[1]
    assert not add(tmp_path, "third", [alpaca("What is sent?", LONG, **options)], where)[1]


def test_short_parts_are_not_drowned_by_long_ones(tmp_path: Path, where: str) -> None:
    """`hi` and `hello` with one long answer have nearly all of a signature in common, and are two rows."""
    add(tmp_path, "first", [alpaca("hi", LONG)], where)
    assert add(tmp_path, "second", [alpaca("hello", LONG)], where)[1] == [alpaca("hello", LONG)]
    other = LONG.replace("word1 ", "other ")
    assert add(tmp_path, "third", [alpaca("hi", other)], where)[0].lsh_duplicates == 1


def test_nothing_is_removed_for_the_sake_of_what_is_removed(tmp_path: Path, where: str) -> None:
    """A is held and B like A; B, which is not like what is held, has to stay."""
    words = LONG.split()
    held, near, far = (
        " ".join([*words[: 60 - changed], *(f"new{n}" for n in range(changed))]) for changed in (0, 5, 10)
    )
    add(tmp_path, "first", [alpaca("q", held)], where, threshold=0.8)
    result, kept = add(tmp_path, "second", [alpaca("q", near), alpaca("q", far)], where, threshold=0.8)
    assert [each.row for each in result.in_lsh] == [1]
    assert kept == [alpaca("q", far)]
    assert add(tmp_path, "third", [alpaca("q", near + " "), alpaca("q", far)], str(tmp_path / "none.pickle"))[0].removed


def test_known_rows_are_known_by_exact_copies_first(tmp_path: Path, where: str) -> None:
    add(tmp_path, "first", [alpaca("a", "b")], where)
    write(tmp_path / "known.jsonl", [alpaca("A", "b")])
    result, kept = add(tmp_path, "second", [alpaca("a", "b")], where, against=[str(tmp_path / "known.jsonl")])
    assert (kept, result.against_duplicates, result.lsh_duplicates) == ([], 1, 0)


def test_the_same_place_with_other_rows_is_another_key(tmp_path: Path, where: str) -> None:
    add(tmp_path, "rows", [alpaca("monday", "one")], where)
    result, kept = add(tmp_path, "rows", [alpaca("tuesday", "two")], where)
    assert kept == [alpaca("tuesday", "two")]
    assert result.lsh_rows == 2


def test_a_run_killed_while_it_adds_can_be_repeated(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path, "first", [alpaca("q", "one")], where)
    rows = [alpaca("q", "one"), *(alpaca(f"question {n}", f"answer {n * n}") for n in range(30))]
    insert = Lsh.add

    def die(self: Lsh, collected: Collected, kept: Any) -> int:
        insert(self, collected, kept[:17])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lsh, "add", die)
        with pytest.raises(KeyboardInterrupt):
            add(tmp_path, "second", rows, where)
    table = opened(where).hashtables[3]
    if "://" in where:  # as if it had been killed between two tables
        for H in list(table.keys())[:5]:
            table.remove(H)
    result, kept = add(tmp_path, "second", rows, where)
    assert kept == rows[1:]
    assert result.lsh_duplicates == 1
    lsh = opened(where)
    assert len(keys(lsh)) == 31
    assert all(len(lsh.keys[key]) == BANDS[0] for key in lsh.keys)
    if "://" in where:
        assert sum(len(table.get(H)) for H in table.keys()) >= 30  # noqa: SIM118 - a storage is no dict
    assert not list(tmp_path.glob(".*.work"))
    assert add(tmp_path, "third", rows, where)[1] == []


def test_output_comes_before_the_lsh(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(self: Lsh, collected: Collected, kept: Any) -> int:
        assert read(tmp_path / "first.out.jsonl") == [alpaca("a", "b")]
        raise KeyboardInterrupt

    monkeypatch.setattr(Lsh, "add", look)
    with pytest.raises(KeyboardInterrupt):
        add(tmp_path, "first", [alpaca("a", "b")], where)


def test_an_lsh_of_others_keeps_its_bands_and_is_compared_by_texts_alone(tmp_path: Path, where: str) -> None:
    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(30, 4)) if "://" not in where else opened(where, (30, 4))
    lsh.insert("theirs", minhash(signature("what is sent?", LONG)))
    lsh.insert(("a", 2), minhash(signature("another", "row of the others")))
    if "://" not in where:
        Path(where).write_bytes(pickle.dumps(lsh))
    rows = [
        alpaca("What is sent?", LONG, system="Be kind."),
        alpaca("new", "row"),
        alpaca("Another", "row of the others"),
    ]
    result, kept = add(tmp_path, "first", rows, where)
    assert kept == [alpaca("new", "row")]
    assert [(each.key, each.estimate) for each in result.in_lsh] == [("theirs", 1), ("('a', 2)", 1)]
    assert "2 rows are alike to some that dsforge did not add" in result.notices[-1]
    after = opened(where, (30, 4))
    assert len(after.keys) == 3
    assert after.query(minhash(signature("what is sent?", LONG))) == ["theirs"]
    assert [key.partition("#")[0] for key in after.query(minhash(signature("new", "row")))] == [
        f"{tmp_path}/first.jsonl:2"
    ]


def test_few_bands_are_told_of(tmp_path: Path, where: str) -> None:
    add(tmp_path, "first", [alpaca("a", "b")], where, threshold=0.9)
    result, _ = add(tmp_path, "second", [alpaca("c", "d")], where, threshold=0.6)
    assert "11 bands of 11: it finds 4% of the rows that are 0.6 alike" in result.notices[0]


def test_a_threshold_of_one_has_two_bands(tmp_path: Path, where: str) -> None:
    result, _ = add(tmp_path, "first", [alpaca("a", "b")], where, threshold=1)
    assert result.notices == []
    assert add(tmp_path, "second", [alpaca("a", "b")], where, threshold=1)[0].lsh_duplicates == 1


@pytest.mark.parametrize("options", [{"on": "prompt"}, {"shingles": "words:2"}, {"normalise": ()}], ids=str)
def test_rows_compared_in_another_way_are_refused(tmp_path: Path, where: str, options: dict[str, object]) -> None:
    add(tmp_path, "first", [alpaca("a", "b")], where)
    with pytest.raises(UsageError, match="was made with --"):
        add(tmp_path, "second", [alpaca("c", "d")], where, **options)
    assert not (tmp_path / "second.out.jsonl").exists()


def test_exact_has_no_signatures(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--exact makes none"):
        add(tmp_path, "first", [alpaca("a", "b")], str(tmp_path / "known.pickle"), exact=True)


def test_standard_output(tmp_path: Path, where: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    source = write(tmp_path / "in.jsonl", [alpaca("a", "b")])
    dedup([str(source)], "-", lsh=where)
    assert json.loads(capfdbinary.readouterr().out) == alpaca("a", "b")
    assert dedup([str(source)], "-", lsh=where).lsh_duplicates == 1


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("partitions", [0, 3])
def test_the_result_does_not_depend_on_the_work(tmp_path: Path, workers: int, partitions: int) -> None:
    first, second = batches(2, 60)
    where = str(tmp_path / "known.pickle")
    add(tmp_path, "first", first, where)
    before = Path(where).read_bytes()
    alone = add(tmp_path, "second", second, where)
    Path(where).write_bytes(before)
    assert add(tmp_path, "second", second, where, workers=workers, partitions=partitions) == alone


def test_an_index_of_exact_copies_has_nothing_to_export(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [alpaca("a", "b")])
    dedup([str(source)], tmp_path / "out.jsonl", index=tmp_path / "index", exact=True)
    with pytest.raises(UsageError, match="--exact"):
        export_lsh(tmp_path / "index", str(tmp_path / "known.pickle"))
    with pytest.raises(InputError, match="holds no index"):
        export_lsh(tmp_path / "nothing", str(tmp_path / "known.pickle"))
    assert not (tmp_path / "nothing").exists()


def test_half_an_estimate_is_none() -> None:
    """A key of ours that shares 20 of 25 values of a part that differs: too few to tell."""
    from dsforge.dedup.lsh import LEAST_SEEN, _similarity

    theirs = np.arange(126, dtype=np.uint32)
    ours = np.arange(128, dtype=np.uint32)
    for seen, expected in ((LEAST_SEEN - 1, 0.0), (LEAST_SEEN, 0.75), (120, 0.75)):
        part_of = np.zeros(128, dtype=np.uint8)
        part_of[:seen] = 1
        mine = ours.copy()
        mine[: seen // 4] = 2**31
        batch = Signed(np.array([0]), mine[None], part_of[None], np.array([7], dtype=np.uint64),
                       np.array([[1, 2, 3]], dtype=np.uint32))  # fmt: skip
        key = f"x:1#dsforge:{7:016x}{1:08x}{9:08x}{3:08x}"
        assert _similarity(batch, 0, key, theirs) == pytest.approx(expected, abs=0.01)
        assert _similarity(batch, 0, key.replace(f"{7:016x}", f"{8:016x}"), theirs) == 0


def test_redis_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServiceError, match="cannot be read") as told:
        add(tmp_path, "first", [alpaca("a", "b")], f"redis://:secret@127.0.0.1:{port}/0?name=x")
    assert "secret" not in str(told.value)


def test_redis_that_fails_in_the_middle_loses_nothing(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    where = f"{redis_url}?name={tmp_path.name}"
    add_rows = Lsh.add

    def fail(self: Lsh, collected: Collected, kept: Any) -> int:
        add_rows(self, collected, kept[:2])
        raise redis.ConnectionError("gone")

    rows = [alpaca("question", name * 9) for name in "abcde"]
    with monkeypatch.context() as patch:
        patch.setattr(Lsh, "add", fail)
        with pytest.raises(ServiceError, match="run the same again"):
            add(tmp_path, "first", rows, where)
    assert add(tmp_path, "first", rows, where)[1] == rows


def test_runs_that_make_it_at_the_same_time_agree_on_bands(tmp_path: Path, redis_url: str) -> None:
    where = f"{redis_url}?name={tmp_path.name}"
    with Lsh(where, {"--on": "prompt"}, BANDING) as late:
        add(tmp_path, "first", [alpaca("a", "b")], where, threshold=0.9)
        with pytest.raises(OutputError, match="meanwhile"):
            late._store.begin(late._note)


def test_one_process_at_a_time_has_a_file(tmp_path: Path) -> None:
    where = str(tmp_path / "known.pickle")
    with Lsh(where, {}, BANDING), pytest.raises(DsforgeError, match="another dsforge has"):
        add(tmp_path, "first", [alpaca("a", "b")], where)
    add(tmp_path, "first", [alpaca("a", "b")], where)


def test_the_file_is_no_output(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [alpaca("a", "b")])
    with pytest.raises(UsageError, match="two outputs"):
        dedup([str(source)], tmp_path / "x.pickle", lsh=os.fspath(tmp_path / "x.pickle"))


def test_the_command_line(tmp_path: Path, where: str) -> None:
    write(tmp_path / "first.jsonl", [alpaca("a", "b"), alpaca("What is sent?", LONG)])
    write(tmp_path / "second.jsonl", [alpaca("What is sent?", LONG + " more"), alpaca("c", "d")])
    done = dsforge("dedup", "first.jsonl", "-o", "first.out.jsonl", "--lsh", where, folder=tmp_path)
    assert f"0 already in {where} by estimate, 0 rejected" in done.stdout, done
    assert f"2 rows in {where} now" in done.stdout
    done = dsforge("dedup", "second.jsonl", "-o", "second.out.jsonl", "--lsh", where, folder=tmp_path)
    assert re.search(r"held  second.jsonl:1 is about (0.9.|1.00) alike first.jsonl:2\n", done.stdout)
    assert read(tmp_path / "second.out.jsonl") == [alpaca("c", "d")]
    result = as_json(dsforge("dedup", "first.jsonl", "-o", "x.jsonl", "--lsh", where, "--json", folder=tmp_path))
    assert (result["rows_out"], result["lsh"], result["lsh_rows"], result["lsh_duplicates"]) == (0, where, 3, 2)
    assert result["in_lsh"][0]["key"].startswith("first.jsonl:1#dsforge:")


@pytest.mark.parametrize("options", [["--exact"], ["--leaks"], ["--contamination", "b.jsonl"]], ids=str)
def test_options_that_do_not_go_together(tmp_path: Path, options: list[str]) -> None:
    write(tmp_path / "in.jsonl", [alpaca("a", "b")])
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", "--lsh", "known.pickle", *options, folder=tmp_path)
    assert_one_line_error(done, "--lsh", options[0])
    assert not list(tmp_path.glob("*known*"))
