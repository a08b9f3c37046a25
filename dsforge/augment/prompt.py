"""Prompts from Jinja files: a `system` and a `user` block, rendered in a sandbox. Rows enter as values only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsforge.augment.request import ChatMessage
from dsforge.errors import ConfigError, did_you_mean
from dsforge.extras import require
from dsforge.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def prompt_path(method: str) -> Path:
    """Where the prompt of a method ships."""
    return resource("conf", "augment", f"{method}.jinja")


def _within_tags(source: str) -> Callable[[object], object]:
    """What is done to values: none may close a tag of the prompt, or the rest of it would pass for the prompt's own."""
    tags = sorted(set(re.findall(r"</(\w+)>", source)))
    if not tags:
        return lambda value: value
    closing = re.compile(rf"<(?=\s*/\s*(?:{'|'.join(tags)})\s*>)", re.IGNORECASE)
    return lambda value: closing.sub("< ", value) if isinstance(value, str) else value


class Prompt:
    """A prompt file. `digest` (16 hex digits) changes with its text.

    Raises:
        ConfigError: it cannot be read, is no template, lacks the user block, or uses a name that is not in `known`.
        MissingExtraError: jinja2 is not installed.
    """

    def __init__(self, path: str | Path, known: Iterable[str]) -> None:
        jinja2: Any = require("jinja2", "augment", "filling in a prompt")
        sandbox: Any = require("jinja2.sandbox", "augment", "filling in a prompt")
        self.path = Path(path)
        try:
            source = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the prompt {path} cannot be read: {error}") from error
        self.digest = blake2b(source.encode(), digest_size=8).hexdigest()
        environment: Environment = sandbox.ImmutableSandboxedEnvironment(
            undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_within_tags(source)
        )
        try:
            self._template: Template = environment.from_string(source)
            self._check_names(environment, source, set(known))
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(f"the prompt {path} is no template: line {error.lineno}: {error.message}") from error
        if "user" not in self._template.blocks:
            raise ConfigError(f"the prompt {path} has no block 'user': write {{% block user %}}...{{% endblock %}}")

    def _check_names(self, environment: Environment, source: str, known: set[str]) -> None:
        from jinja2 import meta

        tree = environment.parse(source)
        unknown = meta.find_undeclared_variables(tree) - known - set(environment.globals)
        if unknown:
            name = sorted(unknown)[0]
            raise ConfigError(f"the prompt {self.path} uses {name!r}, which is not given{did_you_mean(name, known)}")

    def render(self, values: Mapping[str, object]) -> tuple[ChatMessage, ...]:
        """The messages of one request; ConfigError where the template fails on these values."""
        try:
            context = self._template.new_context(dict(values))
            texts = {name: "".join(block(context)).strip() for name, block in self._template.blocks.items()}
        except Exception as error:  # a prompt of one's own may raise anything
            raise ConfigError(f"the prompt {self.path} cannot be filled in: {error}") from error
        messages = [ChatMessage("user", texts["user"])]
        if texts.get("system"):
            messages.insert(0, ChatMessage("system", texts["system"]))
        return tuple(messages)
