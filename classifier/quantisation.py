"""Whether a version may answer in INT8: what that costs, measured on its validation images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.metrics import score_matrix
from classifier.models import Export, ModelVersion

AGREEMENT_NEEDED = 0.99
MACRO_F1_LOST = 0.005


@dataclass(frozen=True)
class Measured:
    """What float32 and INT8 say of the same labelled images: how often the same class, and how well each."""

    images: int
    agreement: float
    macro_f1: float
    macro_f1_float32: float

    @property
    def objection(self) -> str:
        """Why INT8 may not answer; empty where it may."""
        told = []
        if self.agreement < AGREEMENT_NEEDED:
            told.append(
                f"agreement {percent(self.agreement)} on {self.images:,} images, "
                f"{percent(AGREEMENT_NEEDED)} are needed"
            )
        # Beyond the last digit two equal scores may differ by how they were summed.
        if self.macro_f1_float32 - self.macro_f1 > MACRO_F1_LOST + 1e-9:
            told.append(
                f"macro-F1 {self.macro_f1:.4f} against {self.macro_f1_float32:.4f} of float32 on "
                f"{self.images:,} images, at most {MACRO_F1_LOST:g} lower is allowed"
            )
        return "; ".join(told)


@dataclass(frozen=True)
class Quantised:
    """What came of quantising a version: offered, or the reason why not."""

    reason: str = ""
    measured: Measured | None = None
    sha256: str = ""
    byte_size: int = 0
    libraries: dict[str, str] = field(default_factory=dict)
    full_range: bool = False

    @property
    def is_offered(self) -> bool:
        """Whether INT8 answers."""
        return not self.reason


def measured(
    actual: NDArray[np.int64], float32: NDArray[np.int64], int8: NDArray[np.int64], *, classes: Sequence[str]
) -> Measured:
    """Compare what both say of at least one image: (N,) numbers of classes, as is what they are."""
    return Measured(
        images=len(actual),
        agreement=float((float32 == int8).mean()),
        macro_f1=_macro_f1(actual, int8, classes),
        macro_f1_float32=_macro_f1(actual, float32, classes),
    )


def record_quantised(version: ModelVersion, quantised: Quantised, *, author: Any = None) -> Export:
    """Write what came of quantising a version; its files, where it is offered, are in its folder."""
    found = quantised.measured
    export, _ = Export.objects.update_or_create(
        version=version,
        format=Export.Format.INT8,
        defaults={
            "offered": quantised.is_offered,
            "reason": quantised.reason[: Export.LONGEST_REASON],
            "images": found.images if found else None,
            "agreement": found.agreement if found else None,
            "macro_f1": found.macro_f1 if found else None,
            "macro_f1_float32": found.macro_f1_float32 if found else None,
            "sha256": quantised.sha256,
            "byte_size": quantised.byte_size,
            "libraries": quantised.libraries,
            "full_range": quantised.full_range,
            "created_by": author,
        },
    )
    return export


def files_of_int8(folder: Path) -> tuple[Path, Path]:
    """Return where the two files of INT8 lie in a version's folder: the network, its weights."""
    return folder / Export.FILES[Export.Format.INT8], folder / Export.WEIGHTS


def remove_int8(folder: Path) -> None:
    """Remove them, where they are."""
    for path in files_of_int8(folder):
        path.unlink(missing_ok=True)


def told_quantised(export: Export) -> str:
    """Say in a sentence which form answers, and by what measure."""
    if not export.offered:
        return f"float32 answers, INT8 is not offered: {export.reason}."
    where = " where the processor has VNNI or AMX, elsewhere float32" if export.full_range else ""
    return (
        f"INT8 answers{where}: of {export.images:,} images of val it names {percent(export.agreement)} as "
        f"float32 does; macro-F1 {export.macro_f1:.4f}, float32 {export.macro_f1_float32:.4f}."
    )


def percent(share: float | None) -> str:
    """Return a share in percent, rounded down: what misses a limit must not look as if it met it."""
    return "-" if share is None else f"{math.floor(share * 1000 + 1e-9) / 10:g} %"


def _macro_f1(actual: NDArray[np.int64], said: NDArray[np.int64], classes: Sequence[str]) -> float:
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (actual, said), 1)
    return score_matrix(matrix.tolist(), classes=classes).macro_f1
