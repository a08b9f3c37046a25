"""Every export by its cases, and the laws that all of them keep."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from pydantic import BaseModel

from dsforge.errors import ConfigError, InputError, OutputError, UsageError
from dsforge.example import Example
from dsforge.formats.format import get_format
from dsforge.resources import resource
from dsforge.train import exporter
from dsforge.train.config import Lora, PathModel, TrainConfig
from dsforge.train.export import MANIFEST, REJECTS, Looked, export_run, without_marks
from dsforge.train.exporter import (
    METHOD_DEFAULTS,
    NOT_EXPORTED,
    SHARED,
    TRAIN,
    TRL_DEFAULTS,
    VALIDATION,
    Export,
    all_exports,
    settings_of,
    translate,
)
from tests.train.exported import Row, config_of, content, export, run_case, unseen, write
from tests.train.small import KINDS, PLAIN, TURNS

EXPORTS = all_exports()
CASES = Path(__file__).parents[1] / "cases" / "exports"
PAIR = {"messages": [{"role": "user", "content": "Hi"}],
        "chosen": {"role": "assistant", "content": "Hello!"},
        "rejected": {"role": "assistant", "content": "What?"}}  # fmt: skip
LABELLED = [{**PLAIN, "label": True}, {**TURNS, "label": False}]
ROWS: dict[str, list[Row]] = {"conversation": list(KINDS.values()), "pair": [PAIR], "label": LABELLED}
FORMS = [(name, method) for name, each in EXPORTS.items() for method in each.methods]


def _cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(path.stem, case, id=f"{path.stem}-{case['name']}"))
    return found


@pytest.mark.parametrize(("trainer", "case"), _cases())
def test_cases(trainer: str, case: Row, tmp_path: Path) -> None:
    """What the files of a case say is what is written, whole."""
    result = run_case(trainer, case, tmp_path)
    for file, wanted in case["files"].items():
        assert content(tmp_path / "out" / file) == wanted, file
    assert result.command == case["command"]
    assert result.losses == case.get("losses", {})
    assert result.left_out == case.get("left_out", [])


# -- laws over the registry


def test_every_export_has_cases() -> None:
    assert {path.stem for path in CASES.glob("*.yaml")} == set(EXPORTS)


def _fields(model: type[BaseModel], section: str) -> set[str]:
    return {f"{section}.{name}" for name in model.model_fields}


def _all_settings(method: str = "sft") -> set[str]:
    """Every field of the configuration of a real model, and every argument of TRL that our groups set for a method."""
    settings: set[str] = set()
    sections: dict[str, Any] = {"model": PathModel, "peft": Lora, "trl": None}
    for name, field in TrainConfig.model_fields.items():
        sections.setdefault(name, field.annotation)
    for name, kind in sections.items():
        if name != "trl":
            settings |= _fields(kind, name) if hasattr(kind, "model_fields") else {name}
    for path in resource("conf", "train").rglob("*.yaml"):
        if path.stem != "tiny" and (path.parent.name != "method" or path.stem == method):
            settings |= {f"trl.{name}" for name in (yaml.safe_load(path.read_text()) or {}).get("trl", {})}
    return settings | {f"trl.{name}" for name in TRL_DEFAULTS}


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_every_setting_has_its_counterpart_or_a_reason(trainer: str, method: str) -> None:
    """A field that comes to the configuration is an error here until each export says what it is there."""
    each = EXPORTS[trainer]
    said = {**SHARED, **each.settings, **each.form(method).settings}
    missing = _all_settings(method) - said.keys() - NOT_EXPORTED
    missing |= {f"trl.{name}" for name in METHOD_DEFAULTS.get(method, {})} - said.keys() - NOT_EXPORTED
    assert {name for name in missing if not (each.takes_trl and name.startswith("trl."))} == set()


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_what_has_no_counterpart_is_told(trainer: str, method: str, tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", ROWS[EXPORTS[trainer].form(method).kind])
    config = config_of(data, "+trl.no_such_thing=7", "+peft.no_such_thing=[a]", method=method)
    _, left = translate(EXPORTS[trainer], config)
    told = {line.partition("=")[0] for line in left}
    assert "peft.no_such_thing" in told
    assert ("trl.no_such_thing" in told) != EXPORTS[trainer].takes_trl


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TrainConfig]:
    """A configuration by its method and overrides, composed once: Hydra takes a tenth of a second."""
    data = write(tmp_path_factory.mktemp("composed") / "rows.jsonl", ROWS["conversation"])
    return cache(lambda method, *overrides: config_of(data, *overrides, method=method))


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_every_setting_moves_something_or_is_told(
    trainer: str, method: str, composed: Callable[..., TrainConfig]
) -> None:
    """Each value that is changed shows in the files, or among what is left out."""
    changes = ["trl.learning_rate=0.125", "trl.num_train_epochs=17", "trl.per_device_train_batch_size=19",
               "trl.gradient_accumulation_steps=23", "trl.max_length=29000", "trl.lr_scheduler_type=constant",
               "trl.warmup_steps=0.3125", "trl.gradient_checkpointing=false", "peft.r=37", "peft.lora_alpha=41",
               "peft.lora_dropout=0.4375", "peft.target_modules=[q_proj,v_proj]", "run.seed=43", "run.max_steps=47",
               "run.folder=elsewhere", "model.revision=abc", "model.dtype=float16", "model.trust_remote_code=true",
               "data.too_long=reject", "+trl.weight_decay=0.5625", "+trl.packing=true", "+trl.optim=sgd",
               "+trl.save_strategy=steps"]  # fmt: skip

    def said(*overrides: str) -> str:
        config = composed(method, *overrides)
        values, left = translate(EXPORTS[trainer], config)
        files = EXPORTS[trainer].write(
            exporter.Order(config, method, "run", values, frozenset({"messages", "conversations"}), 100)
        )
        return json.dumps([files, left, list(EXPORTS[trainer].notes(config))])

    base = said()
    assert [change for change in changes if said(change) == base] == []


@pytest.mark.parametrize("trainer", EXPORTS)
def test_a_law_catches_a_forgotten_field(trainer: str) -> None:
    each = replace(EXPORTS[trainer], settings={})
    assert _all_settings() - each.settings.keys() - NOT_EXPORTED


def _meaning(example: Example) -> Example:
    """The example without the way in which the arguments of its calls were written."""
    for message in example.all_messages():
        for call in message.tool_calls:
            call.written = None
    return example


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_rows_read_back_are_the_same(trainer: str, method: str, tmp_path: Path) -> None:
    """What the form holds of a row comes back; what it does not is counted."""
    form = EXPORTS[trainer].form(method)
    rows = ROWS[form.kind]
    for index, row in enumerate(rows):
        folder = tmp_path / str(index)
        folder.mkdir()
        data = write(folder / "rows.jsonl", [row])
        try:
            result = export(config_of(data, method=method), trainer, folder / "out")
        except InputError:
            continue  # the form cannot hold it at all, which another test counts
        if result.losses:
            continue
        (written,) = content(folder / "out" / TRAIN)
        fmt = get_format(form.format, form.options)
        assert _meaning(fmt.decode(written)) == _meaning(get_format("chatml").decode(row)), written


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_no_row_vanishes(trainer: str, method: str, tmp_path: Path) -> None:
    kind = EXPORTS[trainer].form(method).kind
    good = ROWS[kind]
    bad = [PAIR] if kind != "pair" else [PLAIN]
    data = write(tmp_path / "rows.jsonl", [*bad, *good, {"no": "format"}])
    with data.open("a") as file:
        file.write('{"messages": [{"ro\n')
    result = export(config_of(data, method=method), trainer, tmp_path / "out")
    rejects = content(tmp_path / "out" / REJECTS)
    assert result.rows_in == len(good) + 3 == result.rows_out + result.rows_rejected
    assert len(content(tmp_path / "out" / TRAIN)) == result.rows_out
    assert [reject["row"] for reject in rejects] == sorted(reject["row"] for reject in rejects)
    assert all(reject["reason"] and "raw" in reject for reject in rejects)
    assert {1, len(good) + 2, len(good) + 3} <= {reject["row"] for reject in rejects}


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_every_row_has_every_column_that_is_filled(trainer: str, method: str, tmp_path: Path) -> None:
    each = EXPORTS[trainer]
    result = export(config_of(write(tmp_path / "r.jsonl", ROWS[each.form(method).kind]), method=method), trainer,
                    tmp_path / "out")  # fmt: skip
    rows = content(tmp_path / "out" / TRAIN)
    assert result.rows_out == len(rows)
    for column in each.fill:
        assert {column in row for row in rows} in ({True}, {False}), column


HOSTILE = [
    "it's", 'say "hi"', "two\nlines", "tab\there", "#comment", "- item", "a: b", "${oc.env:HOME}", "{{x}}", "null",
    "yes", "%s {0}", "中文 💡", "\u2028", "1e5", "'''", '"""', "\\", "$(touch x)", "`id`", "!!python/object:os.system",
]  # fmt: skip
KNOWN_MODELS = ("torchtune",)


@pytest.mark.parametrize(("trainer", "method"), FORMS)
def test_no_text_breaks_out_of_the_files(trainer: str, method: str, tmp_path: Path) -> None:
    """Names come back from YAML, from Python and from the shell as they were; nothing of them is run."""
    plain = config_of(write(tmp_path / "rows.jsonl", ROWS[EXPORTS[trainer].form(method).kind]), method=method)
    known = trainer in KNOWN_MODELS
    for number, text in enumerate(HOSTILE):
        changed = {"revision": text} if known else {"path": f"org/{text}", "revision": text}
        model = plain.model.model_copy(update=changed)
        run = plain.run.model_copy(update={"folder": f"runs {text}"})
        out = tmp_path / str(number)
        export(plain.model_copy(update={"model": model, "run": run}), trainer, out)
        texts = {value for path in out.iterdir() for value in _texts(path)}
        assert known or f"org/{text}" in texts
        assert f"runs {text}/first" in texts
        assert f"\n{text}\n" not in (out / "README.md").read_text(encoding="utf-8")


def _texts(path: Path) -> Iterator[str]:
    """The texts that a file of a run says, as its reader reads them."""
    if path.suffix not in (".yaml", ".py", ".sh"):
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        read = OmegaConf.to_container(OmegaConf.load(path), resolve=True) if "llamafactory" in text else content(path)
    elif path.suffix == ".py":
        read = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    else:
        words = [word for word in shlex.split(text, comments=True) if "=" in word]
        read = OmegaConf.to_container(OmegaConf.from_dotlist(words), resolve=True)
    yield from (value for value in _leaves(read) if isinstance(value, str))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


# -- the engine


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "rows.jsonl", [PLAIN, TURNS])


def _found(files: Any, export: Export, config: TrainConfig) -> Looked:
    return Looked(["data/train.jsonl:1 T203 bad"], [], {"stops": 1}, "nothing would be trained")


def test_errors_stop_it_and_force_lets_them_pass(data: Path, tmp_path: Path) -> None:
    result = export_run(config_of(data), "trl", tmp_path / "out", _found)
    assert not result.written
    assert list(tmp_path.iterdir()) == [data]
    result = export_run(config_of(data), "trl", tmp_path / "out", _found, force=True)
    assert result.written
    assert "T203 bad" in (tmp_path / "out" / "README.md").read_text()


def test_what_is_looked_at_is_what_is_written(data: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def look(files: Any, export: Export, config: TrainConfig) -> Looked:
        seen.extend(path.read_text() for path in files)
        return Looked()

    config = config_of(data, validation=data)
    export_run(config, "ms-swift", tmp_path / "out", look)
    assert seen == [(tmp_path / "out" / file).read_text() for file in (TRAIN, VALIDATION)]


def test_a_folder_is_replaced_when_it_is_an_export_and_asked_for(data: Path, tmp_path: Path) -> None:
    out, config = tmp_path / "out", config_of(data)
    export(config, "trl", out)
    with pytest.raises(OutputError, match="--overwrite"):
        export(config, "axolotl", out)
    export(config, "axolotl", out, overwrite=True)
    assert content(out / MANIFEST)["trainer"] == "axolotl"
    (out / MANIFEST).unlink()
    with pytest.raises(OutputError, match="not made by"):
        export(config, "axolotl", out, overwrite=True)
    with pytest.raises(OutputError, match="is a file"):
        export(config, "axolotl", data)


def test_rows_are_not_read_from_the_folder_that_is_replaced(data: Path, tmp_path: Path) -> None:
    export(config_of(data), "trl", tmp_path / "out")
    with pytest.raises(OutputError, match="would be replaced"):
        export(config_of(tmp_path / "out" / TRAIN), "trl", tmp_path / "out", overwrite=True)


def test_no_folder_above_is_left_of_a_failure(data: Path, tmp_path: Path) -> None:
    assert not export_run(config_of(data), "trl", tmp_path / "a" / "b" / "out", _found).written
    assert list(tmp_path.iterdir()) == [data]


def test_an_empty_folder_is_taken(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert export(config_of(data), "trl", tmp_path / "out").written


def test_nothing_is_left_of_a_failure(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, config = tmp_path / "out", config_of(data)
    export(config, "trl", out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    def fails(*arguments: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dsforge.train.export.readme_of", fails)
    with pytest.raises(OutputError, match="No space left"):
        export(config, "trl", out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows.jsonl"]


def test_the_first_rows_alone(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", [PLAIN, PAIR, TURNS, PAIR])
    result = export(config_of(data, "data.limit=3"), "trl", tmp_path / "out")
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (3, 2, 1)


def test_what_cannot_be_exported(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="did you mean 'axolotl'"):
        export(config_of(data), "axolotls", out)
    with pytest.raises(UsageError, match="no method=kto"):
        export(config_of(data, method="kto"), "axolotl", out)
    with pytest.raises(InputError, match="none of its rows"):
        export(config_of(data, method="dpo"), "trl", out)
    with pytest.raises(InputError, match="save standard input"):
        export(config_of(Path("-")), "trl", out)
    with pytest.raises(ConfigError, match="cannot be read"):
        export(config_of(data, "model.template=nowhere.jinja"), "trl", out)
    assert list(tmp_path.iterdir()) == [data]


def test_a_smoke_model_is_none_of_theirs(data: Path, tmp_path: Path) -> None:
    from dsforge.train.app import compose_config

    config = compose_config(["model=tiny", f"data.path={data}", "run.name=x"])
    with pytest.raises(ConfigError, match=r"model\.path"):
        export_run(config, "trl", tmp_path / "out", unseen)


def test_a_local_model_is_named_by_its_whole_path(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "Qwen3-0.6B").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    result = export(config_of(data, "model.path=models/Qwen3-0.6B"), "trl", Path("out"))
    assert content(tmp_path / "out" / "train.yaml")["model_name_or_path"] == str(tmp_path / "models" / "Qwen3-0.6B")
    assert any("whole path" in note for note in result.notes)


def test_a_template_goes_along(data: Path, tmp_path: Path) -> None:
    import jinja2

    export(config_of(data, "model.template=chatml"), "trl", tmp_path / "trl")
    assert "{%- generation %}" in (tmp_path / "trl" / "chat_template.jinja").read_text()
    export(config_of(data, "model.template=chatml"), "axolotl", tmp_path / "axolotl")
    plain = (tmp_path / "axolotl" / "chat_template.jinja").read_text()
    text = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(plain).render(PLAIN)
    assert text == (
        "<|im_start|>user\nWhere is the lamp?<|im_end|>\n<|im_start|>assistant\nOn the table. 在桌子上。💡<|im_end|>\n"
    )
    assert without_marks("a {%- generation -%} b {% endgeneration %}") == "a {#- generation -#} b {# endgeneration #}"


def test_a_row_is_one_line_for_every_reader(tmp_path: Path) -> None:
    """Some read lines with str.splitlines, which ends them at U+2028 and the like."""
    answer = "a\u2028b\u2029c\u0085d\ne"
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer}]}
    export(config_of(write(tmp_path / "rows.jsonl", [row, KINDS["weather"]])), "nemo", tmp_path / "out")
    lines = (tmp_path / "out" / TRAIN).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["messages"] == row["messages"]
    assert len(lines) == 2


def test_images_are_spoken_of(tmp_path: Path) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "cat.png"}}, {"type": "text", "text": "What is it?"}]
    row = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "A cat."}]}
    data = write(tmp_path / "rows.jsonl", [row, PLAIN])
    result = export(config_of(data), "llamafactory", tmp_path / "out")
    assert any(note.startswith("1 rows name images") for note in result.notes)
    assert content(tmp_path / "out" / "train.yaml")["media_dir"] == "."
    assert [each["images"] for each in content(tmp_path / "out" / TRAIN)] == [["cat.png"], []]
    result = export(config_of(data), "nemo", tmp_path / "nemo")
    assert [reject.reason for reject in result.rejects] == ["NeMo Automodel cannot hold: images"]


def test_weights_that_are_lost_are_spoken_of(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", [KINDS["weights"]])
    assert any("weight 0" in note for note in export(config_of(data), "trl", tmp_path / "a").notes)
    assert not any("weight 0" in note for note in export(config_of(data), "axolotl", tmp_path / "b").notes)


def test_defaults_of_trl_are_written_out_and_not_told(data: Path) -> None:
    config = config_of(data)
    said = settings_of(config)
    assert said["trl.weight_decay"] == (0.0, False)
    assert said["trl.learning_rate"] == (2e-4, True)
    assert said["trl.bf16"] == (True, False)
    assert "trl.bf16" not in settings_of(config_of(data, "+trl.fp16=true"))
