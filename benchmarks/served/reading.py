"""What bulk inference could reach at most: decoding and engine alone, and each stage by itself.

    python -m benchmarks.served.reading VERSION DATASET

Reads a dataset's stored files in batches, decoded ahead in threads as a job does, and lets the engine answer;
nothing is stored. Then, over at most 500 images, one stage at a time: files from storage (the system keeps
what was just read: this is its best case), decoding and fitting on one core, the engine on all cores, and
predictions into the database, rolled back. Prints images a second as one JSON object; the engine is loaded
before a clock starts.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import django

MOST = 500


def rate_of(work: Callable[[], Any], count: int) -> float:
    """Return how many a second, of so many."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def joint(engine: Any, images: Sequence[Any]) -> float:
    """Return images a second through decoding and engine, both at work at once."""
    from classifier.reading import Unreadable, read_fitted

    def work() -> None:
        for batch in read_fitted(images, size=engine.size, geometry=engine.geometry):
            engine.probabilities([each for _, each in batch if not isinstance(each, Unreadable)])

    return rate_of(work, len(images))


def stages(engine: Any, version: Any, images: Sequence[Any]) -> dict[str, float]:
    """Return images a second of each stage by itself."""
    from classifier.geometry import fit_pixels
    from datasets import store
    from datasets.decoding import decode

    files: list[bytes] = []
    pixels: list[Any] = []
    rates = {
        "storage": rate_of(lambda: files.extend(store.read(image.sha256) for image in images), len(images))
    }
    rates["decode"] = rate_of(
        lambda: pixels.extend(
            fit_pixels(decode(file).pixels, size=engine.size, geometry=engine.geometry) for file in files
        ),
        len(files),
    )
    rates["engine"] = rate_of(lambda: engine.probabilities(pixels), len(pixels))
    rates["database"] = written(version, images)
    return rates


def written(version: Any, images: Sequence[Any]) -> float:
    """Return how many predictions a second the database takes; none of them stays."""
    from django.db import transaction

    from classifier.models import Prediction

    rows = [
        Prediction(
            version=version,
            image_id=image.pk,
            predicted=version.classes[0],
            confidence=1.0,
            probabilities=[1.0] + [0.0] * (len(version.classes) - 1),
        )
        for image in images
    ]
    for row in rows:
        row.measure_uncertainty()
    with transaction.atomic():
        Prediction.objects.filter(version=version, image_id__in=[image.pk for image in images]).delete()
        rate = rate_of(lambda: Prediction.objects.bulk_create(rows), len(rows))
        transaction.set_rollback(True)
    return rate


def main() -> None:
    """Read and answer once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int)
    parser.add_argument("dataset")
    options = parser.parse_args()
    django.setup()
    from classifier.engines import engine_of
    from classifier.models import ModelVersion
    from classifier.reading import wanted
    from datasets.models import Image

    version = ModelVersion.objects.get(pk=options.version)
    engine = engine_of(version)
    images = wanted(Image.objects.filter(dataset__slug=options.dataset))
    rates = {"joint": joint(engine, images), **stages(engine, version, images[:MOST])}
    print(json.dumps({"precision": engine.precision, "rates": rates}))


if __name__ == "__main__":
    main()
