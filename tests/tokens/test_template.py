"""Rendering: what the template leaves out, adds or refuses is known before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import RowError
from dsforge.example import Example, Media, Message, ToolCall
from dsforge.formats.read import decode_row
from dsforge.tokens.template import ChatTemplate, chatml_template, has_marks
from tests.train.small import KINDS

_BARE = "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}"  # noqa: E501


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bpe = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    bpe.pre_tokenizer, bpe.decoder = level, decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", additional_special_tokens=["<|im_start|>"]
    )


def _chat(*messages: Message, **more: Any) -> Example:
    return Example(messages=[Message(role="user", content="ask"), *messages], **more)


def _answer(text: str = "Yes.", **more: Any) -> Message:
    return Message(role="assistant", content=text, **more)


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        (_chat(), "no assistant message"),
        (_chat(_answer(weight=0)), "every assistant message has weight 0"),
        (_chat(_answer(weight=0.5)), "weight 0.5"),
        (_chat(_answer(tool_calls=[ToolCall("f", None, "{not json")])), "not valid JSON"),
        (_chat(Message(role="user", content=[Media("image", "a.png")]), _answer()), "only text is trained"),
    ],
)
def test_what_cannot_be_trained_is_refused(tokenizer: Any, example: Example, reason: str) -> None:
    with pytest.raises(RowError, match=reason):
        ChatTemplate(tokenizer, chatml_template(), "test").render(example)


def test_a_refusal_of_the_template_is_a_refused_row(tokenizer: Any) -> None:
    strict = "{{ raise_exception('roles must alternate') }}{% generation %}{% endgeneration %}"
    with pytest.raises(RowError, match="roles must alternate"):
        ChatTemplate(tokenizer, strict, "test").render(_chat(_answer()))


@pytest.mark.parametrize(
    "example",
    [
        _chat(_answer(reasoning="because")),
        _chat(_answer("", tool_calls=[ToolCall("find", {"a": 1})])),
        _chat(_answer(), tools=[{"type": "function", "function": {"name": "find"}}]),
    ],
)
def test_what_a_template_leaves_out_is_told(tokenizer: Any, example: Example) -> None:
    assert ChatTemplate(tokenizer, _BARE, "test").render(example).left_out
    assert not ChatTemplate(tokenizer, chatml_template(), "test").render(example).left_out


def test_what_a_template_adds_to_the_trained_text_is_told(tokenizer: Any) -> None:
    adding = _BARE.replace("{{ m.content }}{% endgen", "<think>\n\n</think>\n\n{{ m.content }}{% endgen")
    assert ChatTemplate(tokenizer, adding, "test").render(_chat(_answer())).added == "<think>\n\n</think>"
    assert ChatTemplate(tokenizer, chatml_template(), "test").render(_chat(_answer())).added == ""


def test_whether_the_end_of_a_turn_is_trained(tokenizer: Any) -> None:
    for text, stops in ((_BARE, False), (chatml_template(), True)):
        template = ChatTemplate(tokenizer, text, "test")
        assert template.trains_the_stop(template.render(_chat(_answer()))) is stops


def test_a_special_token_in_a_message_is_noticed(tokenizer: Any) -> None:
    template = ChatTemplate(tokenizer, chatml_template(), "test")
    assert template.control_tokens_in(_chat(_answer("I am done.<|im_end|>")))
    assert not template.control_tokens_in(_chat(_answer("I am done.")))


def test_labels_fall_on_whole_tokens_of_letters_in_many_bytes(tokenizer: Any) -> None:
    """One character is up to four tokens here; all of those of the answer are trained, none before."""
    template = ChatTemplate(tokenizer, chatml_template(), "test")
    [encoded] = template.encode([template.render(_chat(_answer("好💡")))])
    trained = [token for token, label in zip(encoded.input_ids, encoded.labels, strict=True) if label == token]
    assert len(trained) == encoded.trained == 3 + 4 + 1
    assert tokenizer.decode(trained) == "好💡<|im_end|>"


@pytest.mark.parametrize("mark", ["{% generation %}", "{%- generation -%}", "{%generation%}"])
def test_marks_are_found(mark: str) -> None:
    assert has_marks(mark)
    assert not has_marks("{% if add_generation_prompt %}")


@pytest.mark.parametrize("name", ["cohere", "cohere2", "gemma3", "lfm2_v2"])
def test_without_marks_an_answer_is_what_it_adds(tokenizer: Any, name: str) -> None:
    """The stretches are those that TRL's copies of stock templates mark, wherever both take the conversation."""
    marked = ChatTemplate(tokenizer, _stock(f"{name}_training"), "test")
    bare = ChatTemplate(tokenizer, _stock(name), "test")
    for row in ("plain", "turns", "weights"):
        example = decode_row(KINDS[row])[1]
        ours, theirs = bare.render(example), marked.render(example)
        assert (ours.text, ours.spans) == (theirs.text, theirs.spans)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("qwen3", "otherwise once it goes on"),  # it leaves out the thinking of earlier answers
        ("deepseek_r1_distill", "in other words than stand before it"),  # it asks for thinking that is not there
        ("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", "no words that ask for an answer"),
    ],
)
def test_without_marks_what_cannot_be_told_is_refused(tokenizer: Any, template: str, reason: str) -> None:
    text = template if "{" in template else _stock(template)
    thought = [_answer(reasoning="Why not."), Message(role="user", content="And?"), _answer("No.")]
    with pytest.raises(RowError, match=reason):
        ChatTemplate(tokenizer, text, "test").render(_chat(*thought))


def test_without_marks_or_words_that_ask_the_answer_itself_tells(tokenizer: Any) -> None:
    """As in Llama 2: what is asked ends in a mark, and the answer follows."""
    text = "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }} </s>{% endif %}{% endfor %}"  # noqa: E501
    rendered = ChatTemplate(tokenizer, text, "test").render(_chat(_answer()))
    assert [rendered.text[start:end] for start, end in rendered.spans] == [" Yes. </s>"]


def _stock(name: str) -> str:
    import trl

    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
