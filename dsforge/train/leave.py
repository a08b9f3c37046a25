"""What a run leaves beside its weights: the model cards, a Modelfile, the page about it, and its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dsforge.tokens.template import ChatTemplate
from dsforge.train.card import CARD, write_card
from dsforge.train.job import BASE
from dsforge.train.manifest import Manifest, write_manifest
from dsforge.train.page import write_run_page
from dsforge.train.saved import MERGED, Saved, architecture_of
from dsforge.train.serve import Served, commands, is_served, write_modelfile


def leave(manifest: Manifest, saved: Saved, template: ChatTemplate, folder: Path) -> None:
    """Write all of it into the folder that `saved` stands in now; what is told there names `folder`, where it will be.

    The training is done: what cannot be told of it goes to the notes of its record, which is written last.
    """
    try:
        served = _served(manifest, saved, template, folder)
        manifest.serve = commands(served)
        _tell(manifest, served, saved.path.parent)
    except Exception as error:  # noqa: BLE001 - see above
        manifest.notes.append(f"not told: {' '.join(str(error).split())[:300]} ({type(error).__name__})")
    write_manifest(manifest, saved.path.parent)


def _served(manifest: Manifest, saved: Saved, template: ChatTemplate, folder: Path) -> Served:
    base = saved.base
    if base is not None and manifest.config["model"]["kind"] == "tiny":
        base = base.model_copy(update={"path": str(folder / BASE)})
    return Served(
        name=manifest.name,
        folder=folder,
        saved=replace(saved, base=base),
        architecture=architecture_of(saved),
        template=template.template,
        origin=template.origin,
        stop=template.tokenizer.eos_token or "",
        merged=manifest.merged is not None,
    )


def _tell(manifest: Manifest, served: Served, folder: Path) -> None:
    (folder / CARD).unlink(missing_ok=True)  # TRL's, of a checkpoint
    for each in (folder / served.saved.path.name, *([folder / MERGED] if served.merged else [])):
        write_card(manifest, served, each)
    if is_served(served):
        write_modelfile(served, folder)
    write_run_page(manifest, served, folder)
