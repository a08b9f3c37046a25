import tempfile

import pytest

from dsforge.errors import OutputError
from dsforge.io.spill import Spill


def test_what_was_put_aside_comes_back_in_any_order() -> None:
    spill = Spill()
    for data in (b"one", b"", b"three" * 2_000_000, b"four"):
        spill.append(data)
    assert (spill[3], spill[0], spill[1], len(spill[2])) == (b"four", b"one", b"", 10_000_000)
    spill.append(b"five")
    assert (len(spill), spill[4], spill[3]) == (5, b"five", b"four")
    spill.close()


def test_a_full_folder_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    spill = Spill()

    def full(data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill._file, "write", full)
    with pytest.raises(OutputError, match=f"{tempfile.gettempdir()} cannot be written: No space.*TMPDIR"):
        spill.append(b"x")
