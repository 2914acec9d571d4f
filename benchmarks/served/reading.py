"""Decoding and engine alone, nothing stored: what bulk inference could reach at most.

    python -m benchmarks.served.reading VERSION DATASET

Reads a dataset's stored files in batches, decoded ahead in threads as a job does, and lets the engine answer;
prints images a second as one JSON object. The engine is loaded before the clock starts.
"""

import argparse
import json
import time

import django


def main() -> None:
    """Read and answer once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int)
    parser.add_argument("dataset")
    options = parser.parse_args()
    django.setup()
    from classifier.evaluation import engine_of
    from classifier.models import ModelVersion
    from classifier.reading import Unreadable, read_fitted, wanted
    from datasets.models import Image

    engine = engine_of(ModelVersion.objects.get(pk=options.version))
    images = wanted(Image.objects.filter(dataset__slug=options.dataset))
    began, count = time.perf_counter(), 0
    for batch in read_fitted(images, size=engine.size, geometry=engine.geometry):
        pixels = [each for _, each in batch if not isinstance(each, Unreadable)]
        count += len(engine.probabilities(pixels))
    print(json.dumps({"rate": count / (time.perf_counter() - began), "images": count}))


if __name__ == "__main__":
    main()
