"""Runs that are exported in tests: a configuration, its rows, and what came of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from dsforge.resources import resource
from dsforge.train.app import compose_config
from dsforge.train.config import TrainConfig
from dsforge.train.export import MANIFEST, README, ExportResult, Looked, export_run
from dsforge.train.exporter import Export

Row = dict[str, Any]
MODEL = "model.path=Qwen/Qwen2.5-0.5B-Instruct"


def config_of(data: Path, *overrides: str, method: str = "sft", validation: Path | None = None) -> TrainConfig:
    """The configuration of a run of any method, whether `dsforge train` has a recipe for it or not."""
    words = [MODEL, "run.name=first", f"data.path={data}", *overrides]
    words = words[1:] if any(word.startswith("model.path=") for word in overrides) else words
    if (resource("conf", "train") / "method" / f"{method}.yaml").is_file():
        words.append(f"method={method}")
    config = compose_config(words + ([f"data.validation={validation}"] if validation else []))
    return config.model_copy(update={"method": config.method.model_copy(update={"name": method})})


def write(path: Path, rows: Sequence[Row]) -> Path:
    """A JSONL file of `rows`."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def unseen(files: Sequence[Path], export: Export, config: TrainConfig) -> Looked:
    """Finds nothing."""
    return Looked()


def export(config: TrainConfig, name: str, folder: Path, **options: Any) -> ExportResult:
    """The export without a look at the rows."""
    return export_run(config, name, folder, unseen, **options)


def content(path: Path) -> Any:
    """What a file says: rows, YAML and JSON as values, else its text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line]
    if path.suffix in (".yaml", ".json"):
        return yaml.safe_load(text)
    return text


def run_case(trainer: str, case: Row, folder: Path) -> ExportResult:
    """Export what a case says into `folder`/out."""
    validation = write(folder / "held-out.jsonl", case["validation"]) if "validation" in case else None
    data = write(folder / "rows.jsonl", case["rows"])
    config = config_of(data, *case.get("overrides", ()), method=case.get("method", "sft"), validation=validation)
    return export(config, trainer, folder / "out")


def _rewritten(trainer: str, case: Row) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        result = run_case(trainer, case, Path(folder))
        files = {file: content(Path(folder) / "out" / file) for file in result.files if file not in (README, MANIFEST)}
    given = {key: case[key] for key in ("name", "method", "overrides", "rows", "validation") if key in case}
    came = {"command": result.command, "losses": result.losses, "left_out": result.left_out, "files": files}
    return given | {key: value for key, value in came.items() if value}


if (
    __name__ == "__main__"
):  # python -m tests.train.exported: what the cases give is written anew, to be read in the diff
    for path in sorted((Path(__file__).parents[1] / "cases" / "exports").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        cases = [_rewritten(path.stem, case) for case in yaml.safe_load(text)]
        dumped = yaml.safe_dump(cases, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
        path.write_text(text.partition("\n")[0] + "\n" + dumped, encoding="utf-8")
