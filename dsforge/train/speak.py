"""Answers of a model to many prompts at once: greedy, so that the same model says the same again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS_AT_ONCE = 8192
"""Tokens of a batch, prompts and answers together; halved where the memory does not do."""


def stop_tokens(model: Any, tokenizer: Any) -> list[int]:
    """The tokens at which an answer ends: those of the model and the end token of the tokenizer."""
    own = model.generation_config.eos_token_id
    found = [*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id]
    return sorted({token for token in found if token is not None})


def generation(model: Any, tokenizer: Any, most: int, *, temperature: float = 0.0) -> Any:
    """How answers are generated, whatever the model's own configuration says: greedy, or sampled at a temperature."""
    from transformers import GenerationConfig

    sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    return GenerationConfig(
        max_new_tokens=most,
        eos_token_id=stop_tokens(model, tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        repetition_penalty=1.0,
        num_beams=1,
        **sampling,
    )


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """The model as it is in use, without gradients; the training after it draws the same numbers as without."""
    import torch

    was_training = model.training
    with torch.random.fork_rng(), torch.no_grad():
        model.eval()
        try:
            yield
        finally:
            model.train(was_training)


def answers(model: Any, tokenizer: Any, prompts: Sequence[list[int]], most: int) -> list[list[int]]:
    """The tokens that the model answers each prompt with, at most `most`; those that end an answer are left out.

    Raises:
        torch.OutOfMemoryError: not even one prompt fits into the memory.
    """
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    found: list[list[int]] = [[] for _ in prompts]
    at, room = 0, TOKENS_AT_ONCE
    with undisturbed(model):
        while at < len(order):
            longest = len(prompts[order[at]]) + most
            batch = order[at : at + max(1, room // longest)]
            spoken = _spoken(model, tokenizer, [prompts[index] for index in batch], most)
            if spoken is None:
                room //= 2
                continue
            for index, ids in zip(batch, spoken, strict=True):
                found[index] = ids
            at += len(batch)
    return found


def _spoken(model: Any, tokenizer: Any, prompts: list[list[int]], most: int) -> list[list[int]] | None:
    """The answers to a batch, None where the memory does not do for so many."""
    import torch

    settings = generation(model, tokenizer, most)
    longest = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    try:
        written = model.generate(input_ids=ids, attention_mask=mask, generation_config=settings)
    except torch.OutOfMemoryError:
        if len(prompts) == 1:
            raise
        torch.cuda.empty_cache()
        return None
    ends = set(settings.eos_token_id)
    return [_until(tokens, ends) for tokens in written[:, longest:].tolist()]


def _until(tokens: list[int], ends: set[int]) -> list[int]:
    """What stands before the first end."""
    return tokens[: next((index for index, token in enumerate(tokens) if token in ends), len(tokens))]
