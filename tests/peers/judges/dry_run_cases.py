"""What the judges of dry runs share: cases come as a file of `{rows, kind}`, and a verdict goes out for each.

A verdict is the worst that comes of the rows of a case: kept, untrained (not one token is trained), dropped or stops.
With it goes what the trainer makes of the rows, as text.
"""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ORDER = ["kept", "untrained", "dropped", "stops"]
IGNORED = -100


def verdict_of(rows: int, labels: Iterable[list[int]]) -> str:
    """The verdict of a case of so many rows, of which these labels are left."""
    trained = [any(label != IGNORED for label in one) for one in labels]
    if len(trained) < rows:
        return "dropped"
    return "kept" if all(trained) else "untrained"


def judge_cases(judge: Callable[[list[Any], str, Path], tuple[str, str]]) -> None:
    """Ask `judge` about each case of argv[1], a file of JSON; argv[2] is the folder for files of its own.

    Whatever it raises stops the run.
    """
    folder = Path(sys.argv[2])
    for index, case in enumerate(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))):
        place = folder / str(index)
        place.mkdir(parents=True)
        noise = io.StringIO()
        why = seen = ""
        try:
            with contextlib.redirect_stdout(noise):
                verdict, seen = judge(case["rows"], case["kind"], place)
        except Exception as error:  # noqa: BLE001 - whatever it says is the verdict
            verdict, why = "stops", f"{type(error).__name__}: {error}"[:300]
        print(json.dumps({"case": index, "verdict": verdict, "why": why, "seen": seen}))


def write_rows(rows: list[Any], place: Path) -> str:
    """The path of a JSONL file of the rows."""
    path = place / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def load_rows(rows: list[Any], place: Path) -> Any:
    """The rows as `datasets` loads them from a file."""
    import datasets

    datasets.disable_progress_bars()
    path = write_rows(rows, place)
    return datasets.load_dataset("json", data_files=path, split="train", cache_dir=str(place / "cache"))
