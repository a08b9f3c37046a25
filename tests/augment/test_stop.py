"""Ctrl-C: what is in flight may finish, but not for ever."""

from __future__ import annotations

import os
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.augment import run as run_module
from dsforge.augment.ask import Patience
from dsforge.augment.prices import Funds, stated_prices
from dsforge.augment.result import Interrupted
from dsforge.augment.run import Asking, augment
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from tests.augment.faulty_server import Reply, echo, serving
from tests.augment.test_run import KEY, seeds


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in flight stays charged at its most: the server may have made the answer."""
    monkeypatch.setattr(run_module, "_GRACE_OF_USER", 0.3)
    funds = Funds(stated_prices(Decimal(1), Decimal(1), "USD"), Decimal(1))
    stuck = lambda prompt, times: Reply(wait=30) if "Question 1" in prompt and times == 1 else echo(prompt, times)  # noqa: E731
    source, output = seeds(tmp_path, 3), tmp_path / "out.jsonl"
    with serving(stuck) as server:

        def interrupt() -> None:
            until = time.monotonic() + 10
            while len(server.log.answered) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            augment(
                str(source),
                output,
                Wish("paraphrase", "m"),
                Server(server.url, KEY),
                Asking(patience=Patience(), funds=funds),
            )
        thread.join()
        assert time.monotonic() - began < 10
        assert (caught.value.answers, caught.value.currency) == (2, "USD")
        assert not output.exists()
        result = augment(str(source), output, Wish("paraphrase", "m"), Server(server.url, KEY), Asking(funds=funds))
    assert (result.requests, result.from_journal, result.rows_kept) == (1, 2, 3)
    assert result.uncertain > Decimal("0.004")
