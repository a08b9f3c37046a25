"""Asks a peer's own code, in its environment, what it makes of files that dsforge wrote."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PEERS = Path(os.environ.get("DSFORGE_PEERS", ROOT / ".venv-peers"))
PYTHON = PEERS / "bin" / "python"
JUDGES = Path(__file__).parent / "judges"

needs_peers = pytest.mark.skipif(
    not PYTHON.exists(), reason="the peers are not installed: sh benchmarks/peers.sh (or name them in DSFORGE_PEERS)"
)


def ask(peer: str, home: Path, *arguments: str | Path) -> list[Any]:
    """What the judge `ask_PEER.py` prints, a value a line. Its caches go to `home`, and no network is asked."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    caches = {"HOME": str(home), "HF_HOME": str(home / "hf"), "MODELSCOPE_CACHE": str(home / "modelscope")}
    done = subprocess.run(
        [str(PYTHON), str(JUDGES / f"ask_{peer}.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**os.environ, **offline, **caches, "TOGETHER_NO_BANNER": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.split("\n") if line[:1] in ("{", "[", '"') and _is_json(line)]


def _is_json(line: str) -> bool:
    """Peers print banners and logs to standard output, too."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
