"""What INT8 costs in right answers, on real images: a CNN trained on them, both engines on its test papers.

    python -m benchmarks.served.accuracy VERSION SPLIT

As a module it scores what the product's engine answers, BIOFORS_INT8 deciding the precision; prints one JSON
object.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.served.installation import Installation, settings_of
from benchmarks.served.recipe import RATIOS
from benchmarks.served.servers import PRECISIONS

DATASET = "real"
SPLIT = f"{DATASET}/papers"


def measure(installation: Installation, reference: Path, *, settings: dict[str, Any]) -> dict[str, Any]:
    """Train a CNN on the real images, once; return the scores of each precision on its test papers."""
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
    return {
        name: installation.ask("benchmarks.served.accuracy", version, SPLIT, **extra)
        for name, extra in PRECISIONS.items()
    }


def scored(version: int, split: str) -> dict[str, Any]:
    """Return the scores of a version on a split's test images, and by which engine."""
    from classifier.engines import engine_of
    from classifier.evaluation import labelled_in
    from classifier.metrics import score
    from classifier.models import ModelVersion
    from classifier.reading import Unreadable, read_fitted, wanted
    from datasets.splitting import find_split

    row = ModelVersion.objects.get(pk=version)
    engine = engine_of(row)
    images = labelled_in(find_split(split), "test")
    actual = dict(images.values_list("pk", "label_then"))
    said: dict[int, str] = {}
    for batch in read_fitted(wanted(images), size=engine.size, geometry=engine.geometry):
        readable = [(image, pixels) for image, pixels in batch if not isinstance(pixels, Unreadable)]
        rows = engine.probabilities([pixels for _, pixels in readable])
        said |= {
            image.pk: engine.classes[int(each.argmax())]
            for (image, _), each in zip(readable, rows, strict=True)
        }
    scores = score([actual[pk] for pk in said], list(said.values()), classes=row.classes)
    return {
        "precision": engine.precision,
        "runtime": engine.runtime,
        "images": len(said),
        "macro_f1": round(scores.macro_f1, 4),
        "accuracy": round(scores.accuracy, 4),
        "f1": {each.name: each.f1 and round(each.f1, 3) for each in scores.per_class},
    }


def tell(measured: dict[str, Any]) -> None:
    """Print the table."""
    print(f"\n{'real images':18}{'answered by':>22}{'images':>8}{'macro-F1':>10}{'accuracy':>10}")
    for name, one in measured.items():
        by = f"{one['runtime']} {one['precision']}"
        print(f"{name:18}{by:>22}{one['images']:8}{one['macro_f1']:10.4f}{one['accuracy']:10.4f}")


def main() -> None:
    """Score one precision."""
    import django

    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int)
    parser.add_argument("split")
    options = parser.parse_args()
    django.setup()
    print(json.dumps(scored(options.version, options.split)))


if __name__ == "__main__":
    main()
