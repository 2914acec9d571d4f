"""How well do the networks do on images of sources that they never saw?

    python -m benchmarks.quality [--seeds 0 1 ...] [--recipe NAME...] [--set KEY=VALUE...]

Five folds, grouped by paper (in the reference images a paper is a source), the same for all recipes: train,
validation to choose the epoch, test. Reported: macro-F1 over the test images of each fold, mean and spread.
`cnn` is our default, `seed-cnn` the recipe of the older scripts, its baseline. Needs BIOFORS_REFERENCE_DIR.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import fit_pixels
from classifier.metrics import score
from classifier.networks.config import TrainingConfig
from classifier.networks.pipeline import LabelledPixels
from classifier.networks.recipes import RECIPES
from datasets.decoding import decode

FOLDS = 5
GOAL = 0.70
CLASSES = ("BlotGel", "FAC", "Macroscopy", "Microscopy", "Noneoftheabove")
ALIASES = {"Blot/Gel": "BlotGel", "FACS": "FAC"}


@dataclass(frozen=True)
class Panels:
    """Decoded images (height, width, 3) uint8, their classes as numbers, and their papers."""

    images: Sequence[NDArray[np.uint8]]
    labels: NDArray[np.int64]
    papers: NDArray[np.str_]

    def fitted(self, which: NDArray[np.int64], config: TrainingConfig) -> LabelledPixels:
        """Return some of them as a network of this configuration sees them."""
        fit = [
            fit_pixels(self.images[row], size=config.image_size, geometry=config.geometry) for row in which
        ]
        papers = np.unique(self.papers[which], return_inverse=True)[1].astype(np.int64)
        return LabelledPixels(np.stack(fit), self.labels[which], papers=papers)


def read_panels(reference: Path) -> Panels:
    """Read labelled images in the layout of BioFors."""
    labels = json.loads((reference / "classification.json").read_text())
    rows = [
        (paper, file, ALIASES.get(name, name))
        for paper, files in labels.items()
        for file, name in files.items()
    ]
    images = [decode((reference / "images" / paper / file).read_bytes()).pixels for paper, file, _ in rows]
    numbers = np.array([CLASSES.index(name) for *_, name in rows], dtype=np.int64)
    return Panels(images, numbers, np.array([paper for paper, *_ in rows]))


def folds(panels: Panels, *, seed: int) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield train, validation and test of each fold: no paper in two of them."""
    from sklearn.model_selection import StratifiedGroupKFold

    everything = np.arange(len(panels.labels))
    outer = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for kept, test in outer.split(everything, panels.labels, panels.papers):
        inner = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        train, validation = next(inner.split(kept, panels.labels[kept], panels.papers[kept]))
        yield kept[train], kept[validation], test


def measure(config: TrainingConfig, panels: Panels, fold: tuple[NDArray[np.int64], ...]) -> dict[str, Any]:
    """Train on a fold and score its test images."""
    from classifier.networks.architectures import build
    from classifier.networks.fitting import fit
    from classifier.networks.weights import read_weights

    train, validation, test = (panels.fitted(which, config) for which in fold)
    if config.drawn_papers:
        train = with_drawn(train, config)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = fit(
            config,
            classes=CLASSES,
            train=train,
            validation=validation,
            directory=Path(folder),
            on_epoch=lambda epoch: None,
        )
        network = build(config, class_count=len(CLASSES), base_weights=False)
        read_weights(network, result.weights)
    said = network.predict(test.pixels.astype(np.float32), verbose=0).argmax(axis=1)
    scores = score([CLASSES[row] for row in test.labels], [CLASSES[row] for row in said], classes=CLASSES)
    return {
        "macro_f1": scores.macro_f1,
        "accuracy": scores.accuracy,
        "f1": {name: each.f1 for name, each in zip(CLASSES, scores.per_class, strict=True)},
        "best_epoch": result.best_epoch,
        "seconds": round(time.monotonic() - started, 1),
    }


def with_drawn(train: LabelledPixels, config: TrainingConfig) -> LabelledPixels:
    """Return training images and the drawn panels that a run of the product adds to them."""
    from classifier.drawn import drawn_panels
    from classifier.pixels import pixel_cache

    numbers = {name: place for place, name in enumerate(CLASSES)} | {
        name: CLASSES.index(of) for name, of in ALIASES.items()
    }
    size, geometry = config.image_size, config.geometry
    drawn = drawn_panels(
        config.drawn_papers, numbers=numbers, size=size, geometry=geometry, progress=lambda done, total: None
    )
    pixels = np.concatenate([train.pixels, pixel_cache(size=size, geometry=geometry).rows[drawn.rows]])
    rows = np.arange(len(train), len(pixels), dtype=np.int64)
    return train.joined(pixels, rows=rows, labels=drawn.labels, papers=drawn.papers)


def config_named(name: str, changes: Mapping[str, str]) -> TrainingConfig:
    """Return a recipe's configuration, or an architecture's default, with changes."""
    recipe = RECIPES.get(name)
    architecture = recipe.architecture if recipe else name
    settings = dict(recipe.settings) if recipe else {}
    return TrainingConfig.defaults(architecture, weights="none").with_overrides({**settings, **changes})


def main() -> None:
    """Measure each recipe on the same folds and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--recipe", nargs="+", default=["cnn", "seed-cnn"])
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the first recipe"
    )
    options = parser.parse_args()
    if "BIOFORS_REFERENCE_DIR" not in os.environ:
        raise SystemExit("Set BIOFORS_REFERENCE_DIR to the folder that holds real/.")
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biofors_site.settings")
    django.setup()
    panels = read_panels(Path(os.environ["BIOFORS_REFERENCE_DIR"]) / "real")
    changes = dict(each.split("=", 1) for each in options.set)
    reached: dict[str, list[float]] = {}
    for seed in options.seeds:
        for number, fold in enumerate(folds(panels, seed=seed)):
            for name in options.recipe:
                config = config_named(
                    name, {**(changes if name == options.recipe[0] else {}), "seed": str(seed)}
                )
                told = measure(config, panels, fold)
                reached.setdefault(name, []).append(told["macro_f1"])
                print(f"seed {seed} fold {number} {name}: {json.dumps(told)}", flush=True)
    figures = {
        name: {"mean": round(statistics.mean(each), 3), "spread": round(statistics.pstdev(each), 3)}
        for name, each in reached.items()
    }
    for name, each in figures.items():
        print(f"{name:16} macro-F1 {each['mean']:.3f} ± {each['spread']:.3f} over {len(reached[name])} folds")
    first, *others = figures
    ratio = figures[first]["mean"] / figures[others[0]]["mean"] if others else None
    holds = figures[first]["mean"] >= GOAL
    print(json.dumps({"name": "quality", **figures, "ratio": ratio, "goal": GOAL, "holds": holds}))


if __name__ == "__main__":
    main()
