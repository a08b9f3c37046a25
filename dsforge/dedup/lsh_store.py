"""Where an LSH of datasketch is kept: pickled in a file, or in Redis.

A pickle names the code that it wants run when it is loaded. Here it gets none of it: the objects it describes become
bare ones with the same attributes, from which a `MinHashLSH` is built anew, and whatever else it names is refused. From
Redis nothing is unpickled but keys, which may not name anything.
"""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

from dsforge.errors import InputError, OutputError, ServiceError, UsageError
from dsforge.extras import require
from dsforge.io.atomic import atomic_write, check_writable, lock
from dsforge.similarity.lsh import Banding
from dsforge.similarity.minhash import PERMUTATIONS

_VALUE = 4  # bytes of a value of a signature under the scheme affine32
_ENDINGS = (".pickle", ".pkl")
_REDIS = ("redis", "rediss")
_PATIENCE = 10  # seconds to connect with Redis


class Note(msgspec.Struct, frozen=True):
    """What dsforge writes beside an LSH: its bands, and how its rows were compared, in words."""

    bands: int
    rows: int
    compared: dict[str, str]


class Store(Protocol):
    """Where an LSH is kept.

    `name` is what the user knows it by, without a password. `lsh` is the `MinHashLSH` there, None where there is none;
    `note` what was written beside it, None where it is not of dsforge. `errors` are those of the store itself.
    """

    name: str
    lsh: Any
    note: Note | None
    errors: tuple[type[Exception], ...]

    def begin(self, note: Note) -> Any:
        """The LSH to add to, made where there was none, with `note` beside it."""
        ...

    def save(self) -> None:
        """Publish what was added."""
        ...

    def close(self) -> None:
        """Let other processes have it."""
        ...


def open_store(where: str) -> Store:
    """The store that `where` names: `FILE.pickle`, or `redis://HOST:PORT/DB?name=NAME`.

    Raises:
        UsageError: it names none.
        InputError: what is there is no LSH whose permutations are those of dsforge.
        OutputError: the file cannot be written to, or another process has it.
        ServiceError: Redis cannot be reached.
        MissingExtraError: datasketch or redis is not installed.
    """
    parts = urlsplit(where)
    if parts.scheme in _REDIS:
        return RedisStore(parts)
    if Path(where).suffix in _ENDINGS:
        return FileStore(Path(where))
    raise UsageError(f"--lsh {where}: name a file, as known.pickle, or Redis, as redis://localhost:6379/0?name=known")


class FileStore:
    """An LSH pickled in a file, by one process at a time: `pickle.load` of datasketch's users reads it, too."""

    errors: tuple[type[Exception], ...] = ()

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.lsh: Any = None
        self.note: Note | None = None
        self._path = path
        require("datasketch", "lsh", "--lsh")
        check_writable(path)
        self._lock = path.with_name(f".{path.name}.lock").open("wb")
        if not lock(self._lock):
            self._lock.close()
            raise OutputError(f"another dsforge has {path}: wait for it")
        if path.exists():
            try:
                self.lsh, self.note = _unpickled(path)
            except InputError:
                self.close()
                raise

    def begin(self, note: Note) -> Any:
        """The LSH in memory."""
        if self.lsh is None:
            self.lsh = _made(Banding(note.bands, note.rows))
            self.note = note
        if self.note:  # an attribute that datasketch does not know, and keeps
            self.lsh.dsforge = msgspec.to_builtins(self.note)
        return self.lsh

    def save(self) -> None:
        """Replace the file, at once."""
        with atomic_write(self._path) as file:
            pickle.dump(self.lsh, file)

    def close(self) -> None:
        """Let other processes have it."""
        self._lock.close()


class RedisStore:
    """An LSH in Redis under a name, shared by all who know it.

    Beside what datasketch writes under the name stands the note, as JSON (`NAME_dsforge`).
    """

    def __init__(self, url: SplitResult) -> None:
        config, self._base = _parse_redis(url)
        self.name = f"{url.scheme}://{config['host']}:{config['port']}/{config['db']}?name={self._base.decode()}"
        client = require("redis", "lsh", "--lsh redis://")
        require("datasketch", "lsh", "--lsh")
        self.errors: tuple[type[Exception], ...] = (client.RedisError,)
        self._config = {"type": "redis", "basename": self._base, "redis": config}
        self._client = client.Redis(**config)
        try:
            self._look()
        except self.errors as error:
            raise ServiceError(f"{self.name} cannot be read: {error}") from error

    def _look(self) -> None:
        note = self._client.get(self._base + b"_dsforge")
        self.note = _parse_note(note, self.name) if note else None
        self.lsh: Any = None
        if banding := self._banding():
            self.lsh = _made(banding, self._config)

    def _banding(self) -> Banding | None:
        """The bands of the LSH that is there: noted, or told from one of its keys."""
        if self.note:
            return Banding(self.note.bands, self.note.rows)
        keys = self._base + b"_keys"
        key = next((key for key, _ in self._client.hscan_iter(keys, count=1)), None)
        return None if key is None else _banding_of(self._client.lrange(keys + key, 0, -1), self.name)

    def begin(self, note: Note) -> Any:
        """The LSH, which several may make at the same time: then the first says how."""
        if self.lsh is None:
            beside = self._base + b"_dsforge"
            self._client.set(beside, msgspec.json.encode(note), nx=True)
            self.note = _parse_note(self._client.get(beside), self.name)
            if self.note != note:
                raise OutputError(f"another run has made {self.name} meanwhile, of other bands or of rows compared in "
                                  "another way: run this again")  # fmt: skip
            self.lsh = _made(Banding(note.bands, note.rows), self._config)
        return self.lsh

    def save(self) -> None:
        """Nothing is left to do: rows are in Redis as they are added."""

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def _parse_redis(url: SplitResult) -> tuple[dict[str, Any], bytes]:
    """`(what redis.Redis is called with, basename)`."""
    names = parse_qs(url.query).get("name", [])
    database = url.path.strip("/") or "0"
    try:
        port = url.port or 6379
    except ValueError:
        port = 0
    if len(names) != 1 or not database.isdecimal() or not port or not url.hostname:
        raise UsageError("--lsh: Redis is named as redis://localhost:6379/0?name=known, with host, port, number of the "
                         "database, and the name (datasketch's basename) under which the LSH is kept")  # fmt: skip
    config: dict[str, Any] = {"host": url.hostname, "port": port, "db": int(database)}
    config |= {"socket_connect_timeout": _PATIENCE, "ssl": url.scheme == "rediss"}
    login = {"username": url.username, "password": url.password}
    config |= {name: unquote(value) for name, value in login.items() if value}
    return config, names[0].encode()


def _made(banding: Banding, storage: dict[str, Any] | None = None, prepickle: bool | None = None) -> Any:
    """An LSH of these bands; what its storage holds under its name, it holds."""
    from datasketch import MinHashLSH

    return MinHashLSH(
        num_perm=PERMUTATIONS, params=(banding.bands, banding.rows), storage_config=storage, prepickle=prepickle
    )


def _parse_note(raw: bytes, name: str) -> Note:
    try:
        return msgspec.json.decode(raw, type=Note)
    except msgspec.MsgspecError as error:
        raise InputError(f"what dsforge wrote beside {name} cannot be read ({error}): name another") from error


def _banding_of(hashes: list[bytes], name: str) -> Banding:
    """The bands of an LSH, told from those of one of its keys.

    Raises:
        InputError: values of 64 bits, or more than a signature has.
    """
    width = len(hashes[0]) if hashes else 0
    rows, rest = divmod(width, _VALUE)
    upper = [value[at : at + _VALUE] for value in hashes for at in range(0, width, 2 * _VALUE)]
    are_legacy = rows % 2 == 0 and not any(map(any, upper))  # 32 bits stored in 64
    fits = len(hashes) > 1 and 0 < rows * len(hashes) <= PERMUTATIONS and {len(value) for value in hashes} == {width}
    if not fits or rest or are_legacy:
        raise InputError(f"{name} holds bands of {width:,} bytes: {_WANTED}")
    return Banding(len(hashes), rows)


_WANTED = f"--lsh wants a MinHashLSH of MinHash(num_perm={PERMUTATIONS}, seed=1, scheme='affine32')"


class _Bare:
    """Stands for an object of datasketch: its attributes, and none of its code."""


class _Lsh(_Bare):
    """For a MinHashLSH."""


class _Lists(_Bare):
    """For a DictListStorage."""


class _Sets(_Bare):
    """For a DictSetStorage."""


def _no_method(*_: object) -> None:
    """For `getattr`, by which a pickled LSH names one of its own methods."""


_NAMED = {
    ("datasketch.lsh", "MinHashLSH"): _Lsh,
    ("datasketch.storage", "DictListStorage"): _Lists,
    ("datasketch.storage", "DictSetStorage"): _Sets,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "list"): list,
    ("builtins", "set"): set,
    ("builtins", "getattr"): _no_method,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None


class _KeyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")


_MALFORMED = (pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError, OverflowError)


def _unpickled(path: Path) -> tuple[Any, Note | None]:
    """The LSH in a file, and the note in it.

    Raises:
        InputError: it is no pickled MinHashLSH, or not one of our permutations.
    """
    try:
        with path.open("rb") as file:
            found = vars(_Unpickler(file).load())
        lsh = _built(found, str(path))
        note = msgspec.convert(found["dsforge"], Note) if "dsforge" in found else None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (*_MALFORMED, msgspec.ValidationError) as error:
        raise InputError(f"{path} is no pickled MinHashLSH with its tables in it ({error}); nothing else is loaded, "
                         "as a pickle can run code") from error  # fmt: skip
    return lsh, note


def _built(found: dict[str, Any], name: str) -> Any:
    """A MinHashLSH with the contents of one whose attributes are given."""
    keys = _table(found["keys"], _Lists)
    banding, hashes = Banding(found["b"], found["r"]), next(iter(keys.values()), None)
    scheme = found.get("_minhash_scheme", "legacy")  # the only one before there was a choice
    are_ours = found["h"] == PERMUTATIONS and not found["hashfunc"] and (hashes is None or scheme == "affine32")
    if not are_ours or (hashes is not None and _banding_of(hashes, name) != banding):
        raise InputError(f"{name} holds an LSH of other signatures: {_WANTED}, and no hashfunc of its own")
    lsh = _made(banding, prepickle=bool(found["prepickle"]))
    lsh.keys._dict.update(keys)
    for table, theirs in zip(lsh.hashtables, found["hashtables"], strict=True):
        table._dict.update(_table(theirs, _Sets))
    return lsh


def _table(bare: _Bare, kind: type[_Bare]) -> dict[Any, Any]:
    """What a storage holds."""
    table = bare._dict if isinstance(bare, kind) else None  # type: ignore[attr-defined]
    if not isinstance(table, dict):
        raise pickle.UnpicklingError("its tables are of another kind")
    return table


def key_text(key: object, is_pickled: bool) -> str:
    """A key as text: one that is a text as it is, another as Python writes it."""
    if is_pickled and isinstance(key, bytes):
        with suppress(*_MALFORMED):
            key = _KeyUnpickler(io.BytesIO(key)).load()
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)
