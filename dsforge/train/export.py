"""A run for another trainer: rows in its form, its run configuration and what the user should know, in one folder.

The rows go through first, then what the caller looks for in them (`dsforge lint --target`), then the files are written;
the folder takes its name when all of it stands.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from dsforge.errors import ConfigError, OutputError
from dsforge.feature import Feature
from dsforge.train.config import Lora, PathModel, TrainConfig
from dsforge.train.export_result import REJECTS, ExportResult, Looked, manifest_of, readme_of
from dsforge.train.export_rows import files_of, write_rows
from dsforge.train.exporter import TEMPLATE, TRAIN, VALIDATION, Export, Order, get_export, own_template, translate

__all__ = ["MANIFEST", "README", "REJECTS", "ExportResult", "Look", "Looked", "export_run"]

MANIFEST = "export.json"
README = "README.md"


Look: TypeAlias = Callable[[Sequence[Path], Export, TrainConfig], Looked]
"""Looks at files of rows in the trainer's form."""


def export_run(
    config: TrainConfig, name: str, folder: str | Path, look: Look, *, force: bool = False, overwrite: bool = False
) -> ExportResult:
    """Write the run that `config` describes for the trainer `name` into `folder`.

    Errors that `look` finds stop it, unless it is forced. `overwrite` replaces an earlier export, and nothing else.

    Raises:
        UsageError: no such trainer, or it has no such method.
        ConfigError: the model is dsforge's own.
        InputError, OutputError: a file that cannot be read or written, or no row that can be trained on.
    """
    export, target = get_export(name), Path(folder)
    form = export.form(config.method.name)
    _check_model(config)
    _check_adapter(export, config)
    config = with_places(config)
    check_folder(target, overwrite)
    _check_sources(config, target)
    values, left_out = translate(export, config)
    result = ExportResult(export.name, config.method.name, form.command, left_out=left_out)
    with _published(target) as (work, publish):
        columns, trained = write_rows(config, export, work, result)
        files = [work / file for file in (TRAIN, VALIDATION) if (work / file).exists()]
        result.looked = look(files, export, config)
        if result.looked.errors and not force:
            result.written = False
            return result
        order = Order(config, config.method.name, form.command, values, columns, trained)
        result.notes = [*_model_notes(config), *_row_notes(export, result), *export.notes(config)]
        for file, text in export.write(order).items():
            (work / file).write_text(text, encoding="utf-8")
        if (template := own_template(config)) is not None:
            text = _template_text(template)
            (work / TEMPLATE).write_text(text if export.keeps_marks else without_marks(text), encoding="utf-8")
        result.files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
        result.files = sorted([*result.files, README, MANIFEST])
        (work / README).write_text(readme_of(export, config, result), encoding="utf-8")
        (work / MANIFEST).write_bytes(manifest_of(export, config, result))
        publish()
    return result


def _check_model(config: TrainConfig) -> None:
    if not isinstance(config.model, PathModel):
        raise ConfigError("model=tiny is built by dsforge train alone: name a model, as model.path=OWNER/NAME")


def _check_adapter(export: Export, config: TrainConfig) -> None:
    if config.peft.is_adapter and not isinstance(config.peft, Lora):
        raise ConfigError(
            f"peft={config.peft.name} is not written for {export.title}: choose lora, qlora, dora, rslora or full"
        )


def _local(path: str) -> bool:
    return Path(path).is_dir()


def with_places(config: TrainConfig) -> TrainConfig:
    """The configuration with a model in a local folder named by its whole path: it is read from another folder."""
    if not isinstance(config.model, PathModel) or not _local(config.model.path):
        return config
    model = config.model.model_copy(update={"path": str(Path(config.model.path).resolve())})
    return config.model_copy(update={"model": model})


def _model_notes(config: TrainConfig) -> Iterator[str]:
    if isinstance(config.model, PathModel) and _local(config.model.path):
        yield "the model is a folder of this machine, named by its whole path: on another one change it"


def _row_notes(export: Export, result: ExportResult) -> Iterator[str]:
    if result.media_rows:
        yield (
            f"{result.media_rows:,} rows name images or the like, which are not copied: put them where the names lead "
            "from this folder"
        )
    if Feature.WEIGHTS.value in result.losses:
        yield f"{export.title} reads no weights here: answers of weight 0 are trained like the others"


def _template_text(template: str) -> str:
    from dsforge.resources import resource

    path = resource("conf", "train", "chatml.jinja") if template == "chatml" else Path(template)
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"model.template={template} cannot be read: {error}") from error


def without_marks(template: str) -> str:
    """A chat template whose generation marks are comments, which trim the white space around them as the marks do."""
    return re.sub(r"\{%(-?)\s*((?:end)?generation)\s*(-?)%\}", r"{#\1 \2 \3#}", template)


# -- the folder


def check_folder(folder: Path, overwrite: bool) -> None:
    """OutputError where `folder` is taken, and must not or cannot be replaced."""
    if not folder.exists():
        parent = next(path for path in folder.resolve().parents if path.exists())
        if not parent.is_dir():
            raise OutputError(f"{parent} is no folder: name another")
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file: name a folder")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise OutputError(f"{folder} is not empty: name another folder, or replace an earlier export with --overwrite")
    if not (folder / MANIFEST).is_file():
        raise OutputError(f"{folder} was not made by dsforge export, so it is not overwritten: name another folder")


def _check_sources(config: TrainConfig, folder: Path) -> None:
    """OutputError where rows that are read stand in the folder that is replaced."""
    for path in files_of(config):
        if folder.resolve() in Path(path).resolve().parents:
            raise OutputError(f"{path} stands in {folder}, which would be replaced: name another folder")


@contextmanager
def _published(folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder to write to, beside `folder`, and what gives it that name; nothing is left where that is not called."""
    folder = folder.resolve()
    work = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    made = [parent for parent in folder.parents if not parent.exists()]

    def publish() -> None:
        if folder.exists():
            folder.rename(old)
        work.rename(folder)

    try:
        (work / "data").mkdir(parents=True)
        yield work, publish
    except OSError as error:
        raise OutputError(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for leftover in (work, old):
            shutil.rmtree(leftover, ignore_errors=True)
        for parent in made if not folder.exists() else ():
            with suppress(OSError):
                parent.rmdir()
