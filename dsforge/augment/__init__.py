"""A larger model writes rows; every answer is kept, paid for once, and traced.

The package is a function too, `dsforge.augment(examples, method="evolve", client=...)`: see `dsforge.api.augment`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A module that is called as the function of the same name: which of the two `dsforge.augment` is found to be
    depends on what was imported before."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """As `dsforge.api.augment`."""
        return import_module("dsforge.api").augment(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
