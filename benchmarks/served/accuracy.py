"""What INT8 costs in right answers, on real images: a CNN trained on them, both engines on its test papers.

    python -m benchmarks.served.accuracy VERSION SPLIT [--ungated FOLDER]

As a module it scores what the product's engine answers, BIOFORS_INT8 deciding the precision, or INT8 that is
made in FOLDER without its gate, by images of train; prints one JSON object.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.served.engines import CALIBRATION_IMAGES, ungated_int8_of
from benchmarks.served.installation import Installation, settings_of
from benchmarks.served.recipe import RATIOS
from benchmarks.served.servers import FLOAT32, INT8, PRECISIONS

DATASET = "real"
SPLIT = f"{DATASET}/papers"
UNGATED = "INT8, ungated"


def measure(installation: Installation, reference: Path, *, settings: dict[str, Any]) -> dict[str, Any]:
    """Train a CNN on the real images, once; return the scores of each precision on its test papers.

    `agreement`: for which share of them it names the class that float32 does.
    """
    folder = reference / "real"

    def imported() -> dict[str, Any]:
        words = ["--images", folder / "images", "--dataset", DATASET]
        return installation.told("import_biofors", folder / "classification.json", *words)

    installation.once(DATASET, imported)
    installation.once(
        "split-real", lambda: installation.told("make_split", DATASET, "--name", "papers", "--ratios", RATIOS)
    )
    words = ["--architecture", "cnn", *settings_of(settings)]
    version = installation.trained(SPLIT, name="real-cnn", settings=words)["model"]["id"]
    told = {
        name: installation.ask("benchmarks.served.accuracy", version, SPLIT, **extra)
        for name, extra in PRECISIONS.items()
    }
    if told[INT8]["precision"] == FLOAT32:
        made = installation.folder / f"ungated-{version}"
        told[UNGATED] = installation.ask("benchmarks.served.accuracy", version, SPLIT, "--ungated", made)
    said = {name: np.array(one.pop("said")) for name, one in told.items()}
    return {
        name: {**one, "agreement": round(float((said[name] == said[FLOAT32]).mean()), 4)}
        for name, one in told.items()
    }


def scored(version: int, split: str, *, ungated: Path | None) -> dict[str, Any]:
    """Return a version's scores on a split's test images, by which engine, and what it said of each."""
    from classifier.engines import engine_of
    from classifier.metrics import score
    from classifier.models import ModelVersion
    from classifier.serving.cache import get_engine

    row = ModelVersion.objects.get(pk=version)
    engine = engine_of(row)
    if ungated:
        spec = ungated_int8_of(row, ungated, lambda: drawn(seen(split, "train", engine)[0]))
        engine = get_engine(spec) if spec else engine
    images, actual = seen(split, "test", engine)
    said = [engine.classes[int(each.argmax())] for each in engine.probabilities(images)]
    scores = score(actual, said, classes=row.classes)
    return {
        "precision": engine.precision,
        "runtime": engine.runtime,
        "images": len(said),
        "macro_f1": round(scores.macro_f1, 4),
        "accuracy": round(scores.accuracy, 4),
        "f1": {each.name: each.f1 and round(each.f1, 3) for each in scores.per_class},
        "said": said,
    }


def seen(split: str, subset: str, engine: Any) -> tuple[list[Any], list[str]]:
    """Return a subset's images as an engine sees them, uint8 (size, size, 3), and their labels."""
    from classifier.evaluation import labelled_in
    from classifier.reading import Unreadable, read_fitted, wanted
    from datasets.splitting import find_split

    images = labelled_in(find_split(split), subset)
    labels = dict(images.values_list("pk", "label_then"))
    read = [
        (pixels, labels[image.pk])
        for batch in read_fitted(wanted(images), size=engine.size, geometry=engine.geometry)
        for image, pixels in batch
        if not isinstance(pixels, Unreadable)
    ]
    return [pixels for pixels, _ in read], [label for _, label in read]


def drawn(images: list[Any]) -> Any:
    """Return some of them by chance, the same each time, as one array."""
    order = np.random.default_rng(0).permutation(len(images))
    return np.stack([images[row] for row in order[:CALIBRATION_IMAGES]])


def tell(measured: dict[str, Any]) -> None:
    """Print the table."""
    columns = f"{'images':>8}{'macro-F1':>10}{'accuracy':>10}{'as float32':>12}"
    print(f"\n{'real images':18}{'answered by':>22}{columns}")
    for name, one in measured.items():
        by = f"{one['runtime']} {one['precision']}"
        print(
            f"{name:18}{by:>22}{one['images']:8}{one['macro_f1']:10.4f}{one['accuracy']:10.4f}"
            f"{one['agreement']:12.4f}"
        )


def main() -> None:
    """Score one precision."""
    import django

    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int)
    parser.add_argument("split")
    parser.add_argument("--ungated", type=Path)
    options = parser.parse_args()
    django.setup()
    print(json.dumps(scored(options.version, options.split, ungated=options.ungated)))


if __name__ == "__main__":
    main()
