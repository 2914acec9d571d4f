"""How far a training has come: its epochs, and the step at which it stands."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class EpochResult:
    """How one epoch went; `epoch` counts from 1, losses are cross-entropies without penalties.

    Training scores are those of the varied images while the network changed. `val_*` are None without
    validation images; `val_f1` is that of each class by its name, None for one without images there.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    val_macro_f1: float | None
    learning_rate: float
    seconds: float
    is_best: bool
    val_f1: dict[str, float | None] | None = None


@dataclass(frozen=True)
class FitResult:
    """A finished training: `weights` holds those of the best epoch, `best_score` is 0..1.

    `epochs` begins with those of the attempts that it went on from.
    """

    best_epoch: int
    best_score: float
    epochs: list[EpochResult]
    weights: Path


@dataclass
class Position:
    """Where a training stands: between two steps."""

    stage: int = 0
    # Epochs that were done when the stage began: the one before may have ended early.
    began: int = 0
    # Steps of the epoch begun, and the sums of loss and accuracy over them.
    step: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0
    best_epoch: int = 0
    best_rank: tuple[float, float] = (-math.inf, -math.inf)
    best_file: str = ""
    epochs: list[EpochResult] = field(default_factory=list)

    def as_state(self) -> dict[str, Any]:
        """Return it fit for JSON."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Read what `as_state` wrote."""
        first, second = state["best_rank"]
        epochs = [EpochResult(**each) for each in state["epochs"]]
        return cls(**{**state, "best_rank": (float(first), float(second)), "epochs": epochs})
