"""A talk with a model that a run left: its answers as they are generated, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from threading import Thread
from typing import Any

from dsforge.errors import InputError
from dsforge.train.saved import Saved, load_saved
from dsforge.train.speak import generation


class Talk:
    """A conversation with a model; what was said stays until `reset`.

    `bare` asks an adapted model without its adapter. A `temperature` of 0 is greedy; an answer has at most `most`
    tokens.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, system: str = "", temperature: float = 0.0, most: int = 512,
        bare: bool = False,
    ) -> None:  # fmt: skip
        self._model, self._tokenizer = model, tokenizer
        self._system, self._bare = system, bare
        self._settings = generation(model, tokenizer, most, temperature=temperature)
        self.messages: list[dict[str, str]] = []
        self.reset()

    def reset(self) -> None:
        """Forget all but the system prompt."""
        self.messages = [{"role": "system", "content": self._system}] if self._system else []

    def ask(self, question: str) -> Iterator[str]:
        """The answer in pieces, as they come; both then stand in the conversation, as far as they came.

        Raises:
            InputError: the template refuses the conversation, or it is too long for the model; it stays as it was.
        """
        prompt = self._prompt([*self.messages, {"role": "user", "content": question}])
        self.messages.append({"role": "user", "content": question})
        self.messages.append({"role": "assistant", "content": ""})
        for piece in self._spoken(prompt):
            self.messages[-1]["content"] += piece
            yield piece

    def _prompt(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        from jinja2.exceptions import TemplateError

        try:
            tokens = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        except TemplateError as error:
            raise InputError(f"the chat template refuses the conversation: {error}") from error
        length = tokens["input_ids"].shape[1]
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if isinstance(positions, int) and length >= positions:
            raise InputError(f"the conversation has {length:,} tokens, the model's positions end at {positions:,}")
        return {name: tokens[name].to(self._model.device) for name in ("input_ids", "attention_mask")}

    def _spoken(self, prompt: dict[str, Any]) -> Iterator[str]:
        """Generation runs in a thread of its own, which hands over each word once it is whole."""
        import torch
        from transformers import StoppingCriteria, TextIteratorStreamer

        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        left, failed = [False], list[Exception]()

        class Left(StoppingCriteria):  # type: ignore[misc]
            """Ends it once nobody listens any more."""

            def __call__(self, input_ids: Any, scores: Any, **unused: Any) -> Any:
                return torch.full((len(input_ids),), left[0], device=input_ids.device)

        def generate() -> None:
            try:
                self._model.generate(
                    **prompt, generation_config=self._settings, streamer=streamer, stopping_criteria=[Left()]
                )
            except Exception as error:  # noqa: BLE001 - raised again below, where somebody listens
                failed.append(error)
                streamer.end()

        thread = Thread(target=generate, daemon=True)
        with self._adapter():
            thread.start()
            try:
                yield from (piece for piece in streamer if piece)
            finally:
                left[0] = True
                thread.join()
        if failed:
            raise failed[0]

    def _adapter(self) -> AbstractContextManager[Any]:
        return self._model.disable_adapter() if self._bare else nullcontext()


def open_talks(
    saved: Saved, *, base: bool = False, system: str = "", temperature: float = 0.0, most: int = 512, seed: int = 42
) -> dict[str, Talk]:
    """A talk with what a run saved, and with `base` one with the model it was trained from, by their names.

    `seed` is what a temperature above 0 draws by.

    Raises:
        InputError: it is a reward model, cannot be loaded, has no chat template, or its base is not known.
    """
    from transformers import set_seed

    if saved.scores:
        raise InputError(f"{saved.path} is a reward model: it gives a score and says nothing")
    set_seed(seed)
    model, tokenizer = load_saved(saved)
    if tokenizer.chat_template is None:
        raise InputError(f"{saved.path} has no chat template: there is no telling how it is asked")
    settings: dict[str, Any] = {"system": system, "temperature": temperature, "most": most}
    talks = {"trained": Talk(model, tokenizer, **settings)}
    if base and saved.is_adapter:
        talks = {"base": Talk(model, tokenizer, bare=True, **settings), **talks}
    elif base:
        talks = {"base": Talk(*load_saved(saved.of_base), **settings), **talks}
    return talks
