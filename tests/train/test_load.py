"""Templates: marks are there, are known to TRL, or the run is refused; nothing is trained on a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError, InputError
from dsforge.formats.read import decode_row
from dsforge.train.config import PathModel
from dsforge.train.load import load_tokenizer, training_template
from tests.train.small import PLAIN


def _stock(name: str) -> str:
    import trl.chat_template_utils

    template: str = getattr(trl.chat_template_utils, f"{name}_chat_template")
    return template


def test_its_own_marks_are_used(tokenizer: Any) -> None:
    own = tokenizer.chat_template
    assert training_template(tokenizer, "auto").template == own


@pytest.mark.parametrize("name", ["qwen3", "qwen2_5"])
def test_a_stock_template_gets_trl_s_marks_and_stays_for_talking(tokenizer: Any, name: str) -> None:
    tokenizer.chat_template = _stock(name)
    template = training_template(tokenizer, "auto")
    assert "TRL's generation marks" in template.origin
    assert tokenizer.chat_template == _stock(name)
    rendered = template.render(decode_row(PLAIN)[1])
    assert [rendered.text[start:end].strip() for start, end in rendered.spans] == [
        f"{rendered.added}\n\nOn the table. 在桌子上。💡<|im_end|>".strip()
    ]
    assert rendered.added == ("<think>\n\n</think>" if name == "qwen3" else "")


def test_an_unknown_template_without_marks_trains_what_an_answer_adds(tokenizer: Any) -> None:
    header = "{{ '<|im_start|>' + m.role + ':' + m.content + '<|im_end|>' }}"
    asks = "{% if add_generation_prompt %}{{ '<|im_start|>assistant:' }}{% endif %}"
    tokenizer.chat_template = f"{{% for m in messages %}}{header}{{% endfor %}}{asks}"
    template = training_template(tokenizer, "auto")
    assert "what an answer adds is trained" in template.origin
    rendered = template.render(decode_row(PLAIN)[1])
    assert [rendered.text[start:end] for start, end in rendered.spans] == ["On the table. 在桌子上。💡<|im_end|>"]


def test_none_at_all_is_chatml_where_the_tokenizer_knows_its_tokens(tokenizer: Any) -> None:
    tokenizer.chat_template, tokenizer.eos_token = None, "<|endoftext|>"
    template = training_template(tokenizer, "auto")
    assert "ChatML" in template.origin
    assert tokenizer.eos_token == "<|im_end|>"  # so that what is trained stops where its turns end
    assert tokenizer.chat_template == template.template


def test_chatml_without_its_tokens_is_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE(vocab={"a": 0}, merges=[])), eos_token="</s>")
    with pytest.raises(ConfigError, match=r"has not"):
        training_template(other, "chatml")
    with pytest.raises(ConfigError, match=r"no chat template"):
        training_template(other, "auto")


def test_a_template_file_is_read_and_saved_with_the_tokenizer(tokenizer: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}")
    assert training_template(tokenizer, str(file)).template == tokenizer.chat_template == file.read_text()
    with pytest.raises(ConfigError, match="cannot be read"):
        training_template(tokenizer, str(tmp_path / "none.jinja"))


@pytest.mark.parametrize("path", ["./nowhere", "/nowhere/model", "a/b/c"])
def test_a_path_that_is_no_model(path: str, tmp_path: Path) -> None:
    def load(place: str) -> None:
        load_tokenizer(PathModel(kind="path", path=place, revision=None, dtype="auto", template="auto",
                                 trust_remote_code=False))  # fmt: skip

    with pytest.raises(InputError, match="neither a folder"):
        load(path)
    with pytest.raises(InputError, match=r"no config\.json"):
        load(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_told(tmp_path: Path) -> None:
    """Of a model's configuration alone transformers makes up a tokenizer that knows no character."""
    from transformers import Qwen3Config

    Qwen3Config(vocab_size=400, hidden_size=32, num_hidden_layers=1).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="holds no tokenizer"):
        load_tokenizer(PathModel(kind="path", path=str(tmp_path), revision=None, dtype="auto", template="auto",
                                 trust_remote_code=False))  # fmt: skip


def test_a_tokenizer_without_padding_pads_with_its_end(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    model = PathModel(kind="path", path=str(tmp_path), revision=None, dtype="auto", template="auto",
                      trust_remote_code=False)  # fmt: skip
    assert load_tokenizer(model).pad_token == "<|im_end|>"
