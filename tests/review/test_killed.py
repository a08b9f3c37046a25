"""A server that is killed at any moment loses nothing that it acknowledged."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the extra review is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from dsforge.review.decision import Edit  # noqa: E402
from dsforge.review.review import Review  # noqa: E402
from tests.review.rows import SFT, write  # noqa: E402
from tests.review.server import Server  # noqa: E402


@pytest.mark.parametrize("after", [0.15, 0.4, 0.9])
def test_nothing_acknowledged_is_lost(tmp_path: Path, after: float) -> None:
    path = write(tmp_path / "data.jsonl", [SFT] * 50)
    acknowledged: list[str] = []

    def work(server: Server, who: int) -> None:
        with httpx.Client(base_url=server.base, trust_env=False) as client:
            client.get(server.link)
            for number in range(100_000):
                row = number % 50 + 1
                body = {
                    "id": f"{who}-{number}",
                    "row": row,
                    "action": {"type": "edit", "message": 2, "text": f"{who} {number}"},
                }
                try:
                    answer = client.post("/do", content=json.dumps(body), headers={"Origin": server.base})
                except httpx.HTTPError:
                    return
                assert answer.status_code == 200
                acknowledged.append(body["id"])  # type: ignore[arg-type]

    with Server(path) as server:
        threads = [threading.Thread(target=work, args=(server, who)) for who in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(after)
        while not acknowledged:
            time.sleep(0.01)
        server.kill()
        for thread in threads:
            thread.join()
    with Review(path) as review:
        kept = review.journal.since()
        assert set(acknowledged) <= {each.id for each in kept}
        assert [each.number for each in kept] == list(range(1, len(kept) + 1))
        assert len(kept) <= len(acknowledged) + 3  # those that were on their way
        assert all(isinstance(each.action, Edit) for each in kept)
    with Server(path, port=server.port) as again:
        assert "changed, no verdict yet" in _page(again, "/row/1")
        assert again.link == server.link  # a link is good after a restart
        assert again.stop() == 0


def _page(server: Server, path: str) -> str:
    with httpx.Client(base_url=server.base, trust_env=False) as client:
        client.get(server.link)
        return str(client.get(path).text)
