"""Many small images, no two alike, as a dataset: what bulk inference is interrupted over."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.served.installation import Installation

SIDE = 16
IN_A_PAPER = 500
LABEL = "Noneoftheabove"


def import_rows(installation: Installation, dataset: str, rows: int) -> dict[str, Any]:
    """Draw so many images of noise and import them, once."""

    def make() -> dict[str, Any]:
        folder = installation.folder / f"drawn-{dataset}"
        labels: dict[str, dict[str, str]] = {}
        for number, pixels in enumerate(noise(rows)):
            paper, name = f"{number // IN_A_PAPER + 1}", f"{number % IN_A_PAPER:04}.png"
            labels.setdefault(paper, {})[name] = LABEL
            save(pixels, folder / "images" / paper / name)
        (folder / "classification.json").write_text(json.dumps(labels))
        words = ["--images", folder / "images", "--dataset", dataset]
        return installation.told("import_biofors", folder / "classification.json", *words)

    return installation.once(dataset, make)


def noise(count: int) -> Any:
    """Yield images of noise, uint8 (16, 16, 3); so many random bytes do not come twice."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def save(pixels: Any, path: Path) -> None:
    """Write an image as a PNG that was not compressed long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=1)
