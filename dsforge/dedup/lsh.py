"""Rows that a `MinHashLSH` of datasketch knows, in a file or in Redis, and rows put into one.

An LSH holds no text, but of each of its keys the values of its bands, n = bands * rows of the 128 of a signature (126
for 18 bands of 7). The share of values that two documents have in common estimates their Jaccard similarity s with a
standard error of sqrt(s * (1 - s) / n): .036 at .8.

What has to be equal besides (system prompt, tools, media, label), and which part a shingle stands in, is not in it
either. So a key of dsforge carries, behind the place of its row, a hash of the guard and one of each part:

    PATH:ROW#dsforge:<16 digits of the guard><8 digits of each of the 3 parts>

A row is held by such a key where the guards are equal and each part that differs reaches the threshold by the values
that fall on it. Where it cannot be told (of a part that differs fewer than `LEAST_SEEN` values are seen), the row
counts as new. Keys that others put in are compared by the whole signature alone.
"""

from __future__ import annotations

import pickle
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsforge.dedup.comparison import Comparison
from dsforge.dedup.lsh_store import Note, key_text, open_store
from dsforge.engine.engine import Engine
from dsforge.engine.plan import Count, Task
from dsforge.errors import InputError, ServiceError, UsageError
from dsforge.similarity.collect import Collected, Reading
from dsforge.similarity.compared import PARTS
from dsforge.similarity.index import Index
from dsforge.similarity.lsh import MISS, Banding
from dsforge.similarity.minhash import PERMUTATIONS, permutations
from dsforge.similarity.shingle import I64, U32, parse_shingling
from dsforge.similarity.signed import Signed, signed

LEAST_SEEN = 32
"""Values by which the similarity of a part is estimated, at least: then its standard error at .8 is .07."""

_CANDIDATES = 200  # keys that are looked at for one row, those that share the most bands
_TOGETHER = 5000  # rows that are added in a session, which has 19 tables with 2 commands each to Redis in memory

_OURS = re.compile(r"#dsforge:([0-9a-f]{16})([0-9a-f]{24})$")


class Held(msgspec.Struct, frozen=True):
    """A document that an LSH holds already, by estimate: under which key, and how alike it is."""

    document: int
    key: str
    similarity: float

    @property
    def is_ours(self) -> bool:
        """Whether dsforge put it in."""
        return bool(_OURS.search(self.key))


def minhash(signature: U32) -> Any:
    """A signature as a `datasketch.MinHash`, to be asked for, compared, pickled.

    Its `update` would hash by SHA-1, which is not how shingles are hashed here.
    """
    from datasketch import MinHash

    return MinHash(seed=1, scheme="affine32", hashvalues=signature, permutations=permutations())


def lsh_files(where: str) -> list[Path]:
    """The file that an LSH is kept in, none where it is in Redis."""
    return [] if "://" in where else [Path(where)]


def open_lsh(where: str, comparison: Comparison) -> Lsh:
    """The LSH at `where`, for rows that are compared so.

    Raises:
        UsageError: what counts as the same cannot be told by signatures.
        DsforgeError: what `Lsh` raises.
    """
    if comparison.banding is None:
        other = "--exact" if comparison.exact else "--semantic"
        raise UsageError(f"--lsh knows rows by the signatures of their texts, and {other} makes none: leave out one")
    return Lsh(where, without_threshold(comparison.in_words), comparison.banding)


class Lsh:
    """The LSH at `where` (see `open_store`), for rows that are compared so; the first addition makes it.

    Use it in a `with`. One that is there keeps its own bands. `name` is `where` without a password.

    Raises:
        UsageError: its rows were compared in another way.
        DsforgeError: what `open_store` raises; ServiceError also where Redis fails in the block.
    """

    def __init__(self, where: str, compared: dict[str, str], banding: Banding) -> None:
        self._store = open_store(where)
        self.name = self._store.name
        if banding.bands < 2:  # of which datasketch makes none
            banding = Banding(2, PERMUTATIONS // 2)
        self._note = Note(banding.bands, banding.rows, compared)
        there = self._store.note.compared if self._store.note else compared
        for name, value in compared.items():
            if (other := there.get(name)) != value:
                self._store.close()
                raise UsageError(f"{self.name} was made with {name} {other}, not {value}: give the same, or another "
                                 "--lsh")  # fmt: skip

    def __enter__(self) -> Lsh:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()
        if isinstance(error, self._store.errors):
            raise ServiceError(f"{self.name} failed ({error}): run the same again, it goes on where it was") from error

    def __len__(self) -> int:
        return len(self._store.lsh.keys) if self._store.lsh else 0

    def notices(self, threshold: float, held: Sequence[Held]) -> list[str]:
        """What the user should know of an answer."""
        told = []
        lsh = self._store.lsh
        found = Banding(lsh.b, lsh.r).probability(threshold) if lsh else 1.0
        if found < 1 - 2 * MISS:
            told.append(f"{self.name} has {lsh.b} bands of {lsh.r}: it finds {found:.0%} of the rows that are "
                        f"{threshold:g} alike to one of its own")  # fmt: skip
        if foreign := sum(not each.is_ours for each in held):
            told.append(f"{self.name}: {foreign:,} rows are alike to some that dsforge did not add: of these the texts "
                        "alone were compared, not system prompt, tools, media and label")  # fmt: skip
        return told

    def find(self, rows: Collected, documents: I64, threshold: float) -> Iterator[Held]:
        """Those of the documents that are held, in their order."""
        if self._store.lsh is not None:
            for batch in signed(rows, documents):
                yield from self._find(batch, threshold)

    def _find(self, batch: Signed, threshold: float) -> Iterator[Held]:
        lsh = self._store.lsh
        candidates = [_most_shared(shared) for shared in self._sharing(batch.signatures)]
        needed = sorted({key for keys in candidates for key in keys}, key=str)
        values = dict(zip(needed, map(self._values, lsh.keys.getmany(*needed)), strict=True))
        texts = {key: key_text(key, lsh.prepickle) for key in needed}
        for at, keys in enumerate(candidates):
            alike = [
                (_similarity(batch, at, texts[key], theirs), texts[key])
                for key in keys
                if (theirs := values[key]) is not None
            ]
            similarity, key = max(alike, default=(0.0, ""))
            if similarity >= threshold:
                yield Held(int(batch.documents[at]), key, similarity)

    def _sharing(self, signatures: U32) -> list[Counter[Any]]:
        """Of each signature, the keys that share a band with it, and how many bands."""
        found: list[Counter[Any]] = [Counter() for _ in signatures]
        lsh = self._store.lsh
        for table, hashes in zip(lsh.hashtables, _band_hashes(signatures, Banding(lsh.b, lsh.r)), strict=True):
            for keys, shared in zip(table.getmany(*hashes), found, strict=True):
                shared.update(keys)
        return found

    def _values(self, hashes: Sequence[bytes]) -> U32 | None:
        """The values of the signature behind a key; None where they are not all there, as while it is being added."""
        lsh = self._store.lsh
        values = np.frombuffer(b"".join(hashes), dtype=">u4").astype(np.uint32)
        return values if len(values) == lsh.b * lsh.r else None

    def add(self, rows: Collected, kept: I64) -> int:
        """Put rows in, each under its key; how many were not there. What a killed run has half added is completed."""
        if not len(kept):
            return 0
        self._store.begin(self._note)
        kept = kept[np.argsort(rows.document[kept], kind="stable")]
        added = sum(self._add(rows, kept[at : at + _TOGETHER]) for at in range(0, len(kept), _TOGETHER))
        if added:
            self._store.save()
        return added

    def _add(self, rows: Collected, kept: I64) -> int:
        lsh, added = self._store.lsh, 0
        with lsh.insertion_session() as session:
            for batch in signed(rows, rows.document[kept]):
                places, kept = kept[: len(batch.documents)], kept[len(batch.documents) :]
                keys = [_key(rows, row, batch, at) for at, row in enumerate(places.tolist())]
                stored = [pickle.dumps(key) for key in keys] if lsh.prepickle else keys
                hashes = zip(*_band_hashes(batch.signatures, Banding(lsh.b, lsh.r)), strict=True)
                for at, (there, bands) in enumerate(zip(lsh.keys.getmany(*stored), hashes, strict=True)):
                    if there:
                        _complete(lsh, stored[at], bands)
                    else:
                        session.insert(keys[at], minhash(batch.signatures[at]), check_duplication=False)
                        added += 1
        return added


def _complete(lsh: Any, key: Any, hashes: Iterable[bytes]) -> None:
    """Put a key that is there into all of its buckets, where it may be already."""
    for table, of_band in zip(lsh.hashtables, hashes, strict=True):
        table.insert(of_band, key, buffer=True)


def _band_hashes(signatures: U32, banding: Banding) -> Iterator[list[bytes]]:
    """Band by band, under what datasketch files each signature: its values, big-endian."""
    big_endian = signatures.astype(">u4")
    for start in range(0, banding.bands * banding.rows, banding.rows):
        of_band = np.ascontiguousarray(big_endian[:, start : start + banding.rows])
        yield of_band.view(f"V{banding.rows * 4}").ravel().tolist()


def _most_shared(shared: Counter[Any]) -> list[Any]:
    """The keys that share the most bands, at most `_CANDIDATES`; in an order that does not depend on that of sets."""
    return sorted(shared, key=lambda key: (-shared[key], str(key)))[:_CANDIDATES]


def _key(rows: Collected, row: int, batch: Signed, at: int) -> str:
    """The key of a row. Two rows have the same only where they stand in the same place and say the same."""
    place = rows.place(row)
    digests = "".join(f"{digest:08x}" for digest in batch.digests[at].tolist())
    return f"{place.path}:{place.row}#dsforge:{int(batch.guards[at]):016x}{digests}"


def _similarity(batch: Signed, at: int, key: str, theirs: U32) -> float:
    """How alike a document and that of a key are, by estimate; 0 where it cannot be told."""
    ours = batch.signatures[at, : len(theirs)]
    is_shared = ours == theirs
    if not (known := _OURS.search(key)):
        return float(is_shared.mean())
    if int(known[1], 16) != int(batch.guards[at]):
        return 0.0
    digests = [int(known[2][part * 8 : part * 8 + 8], 16) for part in range(PARTS)]
    differing = [part for part in range(PARTS) if digests[part] != int(batch.digests[at, part])]
    part_of = batch.part_of[at, : len(theirs)]
    estimates = [_of_part(part_of == part, is_shared, ours < theirs) for part in differing]
    return min(estimates, default=1.0)


def _of_part(is_here: NDArray[np.bool_], is_shared: NDArray[np.bool_], is_only_ours: NDArray[np.bool_]) -> float:
    """The estimated similarity of a part that differs, given which values fall on it.

    Of a value that is only theirs it is not known on which part it falls. It is taken to be this one, as it is where no
    other part differs: where others do, the estimate is too low rather than too high.
    """
    shared = int((is_here & is_shared).sum())
    seen = shared + int((is_here & is_only_ours).sum()) + int((~is_shared & ~is_only_ours).sum())
    return shared / seen if seen >= LEAST_SEEN else 0.0


def find_held(lsh: Lsh, rows: Collected, threshold: float) -> list[Held]:
    """The documents of the input that an LSH holds, in their order, but exact copies of known rows.

    The answer is kept with the rows: a run that was killed while it added its rows would find these when it is run
    again, and take itself for another.
    """
    task = Task(_write_held, (lsh, rows, threshold), rows.folder / "held", Count)
    if not task.finished():
        task.run()
    return msgspec.json.Decoder(Held).decode_lines(task.output.read_bytes())


def _write_held(lsh: Lsh, rows: Collected, threshold: float, output: Path) -> Count:
    documents = np.flatnonzero(rows.are_first)
    held = list(lsh.find(rows, documents[documents >= rows.known_documents], threshold))
    output.write_bytes(msgspec.json.Encoder().encode_lines(held))
    return Count(len(held))


def export_lsh(index: str | Path, where: str | Path) -> int:
    """Put each row of an index (`dsforge dedup --index`) into the LSH at `where`; how many were not there.

    `where` is a file, as `known.pickle`, or Redis, as `redis://localhost:6379/0?name=known`. Where there is no LSH
    it is made with the bands of the index, for datasketch's users to load by `pickle.load`, or with a `storage_config`.

    Raises:
        UsageError: the index is one of exact copies alone, or rows of the LSH were compared in another way.
        DsforgeError: the index or the LSH cannot be read or written.
    """
    folder = Path(index)
    if not (folder / "index.json").is_file():
        raise InputError(f"{folder} holds no index of dsforge: name a folder that dsforge dedup --index has made")
    with Index(folder, {}, None) as there:
        banding = there.banding
        if banding is None:
            raise UsageError(f"the index {folder} was made with --exact and holds no texts: make one without")
        compared = without_threshold(there.compared)
        reading = Reading(banding=banding, shingling=parse_shingling(compared["--shingles"]))
        with Lsh(str(where), compared, banding) as lsh, Engine() as engine:
            rows = Collected(reading, folder, engine)
            rows.read_index(there)
            return lsh.add(rows, np.arange(len(rows)))


def without_threshold(compared: dict[str, str]) -> dict[str, str]:
    """How rows were compared, but for the threshold: an LSH can be asked with any."""
    return {name: value for name, value in compared.items() if name != "--threshold"}
