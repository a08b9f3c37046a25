"""How a model is trained, as far as work and memory depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dsforge.cost.parameters import active_adapter, count_adapter
from dsforge.targets.profile import LocalMethod, Model

Sharding: TypeAlias = Literal["none", "zero1", "zero2", "zero3", "fsdp"]
"""What several GPUs divide among them: nothing (DDP); the optimizer's states; gradients too; weights too (twice)."""

Precision: TypeAlias = Literal["bf16", "mixed"]
"""What is trained in full on GPUs: BF16 weights and states, or FP32 ones with BF16 products (autocast)."""

Held: TypeAlias = Literal["bf16", "mixed", "fp32"]
"""The same, or all in FP32, as on a CPU; of an adapter what its frozen model is held and computed in."""


@dataclass(frozen=True)
class Setup:
    """The method, and its options. `targets` are the matrices that LoRA adapts, all of the layers where empty."""

    method: LocalMethod = "lora"
    rank: int = 16
    targets: tuple[str, ...] = ()
    sharding: Sharding = "zero3"
    precision: Held = "bf16"
    checkpointing: bool = True

    @property
    def is_full(self) -> bool:
        """Whether every weight is trained."""
        return self.method == "full"

    def adapter(self, model: Model) -> int:
        """Parameters of the adapter, 0 where there is none."""
        return 0 if self.is_full else count_adapter(model, self.rank, self.targets)

    def active_adapter(self, model: Model) -> int:
        """Those of them that a token passes."""
        return 0 if self.is_full else active_adapter(model, self.rank, self.targets)
