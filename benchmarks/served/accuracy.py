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

from benchmarks.served.engines import UNGATED, ungated_int8_of
from benchmarks.served.installation import Installation, settings_of
from benchmarks.served.recipe import RATIOS
from benchmarks.served.servers import FLOAT32, INT8, PRECISIONS

DATASET = "real"
SPLIT = f"{DATASET}/papers"


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
    if told[INT8]["precision"] != "int8":
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
    from classifier.evaluation import labelled_in
    from classifier.metrics import score
    from classifier.models import ModelVersion
    from classifier.reading import wanted
    from classifier.serving.cache import get_engine
    from datasets.splitting import find_split

    row = ModelVersion.objects.get(pk=version)
    engine = engine_of(row)
    if ungated:
        spec = ungated_int8_of(row, ungated, lambda: shown_of(row, engine))
        engine = get_engine(spec) if spec else engine
    images = labelled_in(find_split(split), "test")
    labels = dict(images.values_list("pk", "label_then"))
    readable = seen(wanted(images), engine)
    rows = engine.probabilities([pixels for _, pixels in readable])
    said = [engine.classes[int(each.argmax())] for each in rows]
    scores = score([labels[image.pk] for image, _ in readable], said, classes=row.classes)
    return {
        "precision": engine.precision,
        "runtime": engine.runtime,
        "images": len(said),
        "macro_f1": round(scores.macro_f1, 4),
        "accuracy": round(scores.accuracy, 4),
        "f1": {each.name: each.f1 and round(each.f1, 3) for each in scores.per_class},
        "said": said,
    }


def shown_of(version: Any, engine: Any) -> Any:
    """Return the images of train that the product quantises a version by, (N, size, size, 3) uint8."""
    from training_jobs.folds import usable_of
    from training_jobs.quantising import calibration_images

    known = usable_of(version.split, "train", version.label_cutoff)
    return np.stack([pixels for _, pixels in seen(calibration_images(known), engine)])


def seen(images: Any, engine: Any) -> list[Any]:
    """Return the images that can be read, each with its pixels as an engine sees them."""
    from classifier.reading import Unreadable, read_fitted

    return [
        (image, pixels)
        for batch in read_fitted(images, size=engine.size, geometry=engine.geometry)
        for image, pixels in batch
        if not isinstance(pixels, Unreadable)
    ]


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
