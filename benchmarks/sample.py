"""Is the synthetic sample neither trivial nor hopeless? The default CNN, scored against the drawn truth.

    python -m benchmarks.sample [--seeds 0 1 2] [--papers N] [--epochs E]

For each seed a sample is drawn, imported, split by paper 65:15:20, and the CNN trained on the labels as they
were imported, wrong ones and all. Its predictions on the test papers are scored against `truth.json`. Beside
it, on the same images and labels: a logistic regression on colour histograms, and the largest class.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
RATIOS = "65:15:20"
LOWEST, HIGHEST = 0.75, 0.97
BINS = 4

# Paper and file name.
Key = tuple[str, str]


def manage(*args: object, show: bool = False) -> str:
    """Run a management command; return its stdout, show its progress if asked to."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{args[0]} failed: {ended.stderr or 'see above'}")
    return ended.stdout


def measure(seed: int, folder: Path, *, papers: int | None, epochs: int | None) -> dict[str, Any]:
    """Draw, import, split, train and score one sample."""
    name = f"sample-{seed}"
    drawn = folder / name
    started = time.monotonic()
    sample = json.loads(
        manage("make_sample", drawn, "--seed", seed, "--json", *(["--papers", papers] if papers else []))
    )
    drawing = time.monotonic() - started
    manage("import_biofors", drawn / "classification.json", "--images", drawn / "images", "--dataset", name)
    manage("make_split", name, "--name", "papers", "--ratios", RATIOS)
    started = time.monotonic()
    options = ["--epochs", epochs] if epochs else []
    trained = json.loads(
        manage(
            "train",
            f"{name}/papers",
            "--architecture",
            "cnn",
            "--set",
            "drawn_papers=0",
            *options,
            "--wait",
            "--json",
            show=True,
        )
    )
    training = time.monotonic() - started
    names = read_class_names(name)
    train, test = read_labels(name, "train"), sorted(read_labels(name, "test"))
    predictions = read_predictions(trained["model"]["id"])
    truth = read_truth(drawn / "truth.json", names=names)
    actual = [truth[key] for key in test]
    cnn = scored(actual, [predictions[key] for key in test])
    baseline = scored(actual, colour_baseline(drawn / "images", train, test))
    largest = max(sample["classes"], key=sample["classes"].__getitem__)
    majority = scored(actual, [names[largest]] * len(test))
    return {
        "seed": seed,
        "images": sample["images"],
        "classes": sample["classes"],
        "test_images": len(test),
        "drawing_seconds": round(drawing, 1),
        "training_seconds": round(training, 1),
        "macro_f1": cnn["macro_f1"],
        "f1": cnn["f1"],
        "macro_f1_against_labels": round(trained["evaluation"]["macro_f1"], 3),
        "colours_macro_f1": baseline["macro_f1"],
        "majority_macro_f1": majority["macro_f1"],
    }


def read_class_names(dataset: str) -> dict[str, str]:
    """Return the class names by their published spelling."""
    from datasets.models import LabelClass

    return {one.published_name: one.name for one in LabelClass.objects.filter(dataset__slug=dataset)}


def read_labels(dataset: str, subset: str) -> dict[Key, str]:
    """Return the labels in force of a subset of the dataset's split."""
    from datasets.models import SplitMember

    rows = SplitMember.objects.filter(split__dataset__slug=dataset, subset=subset)
    named = rows.values_list("image__paper__identifier", "image__file_name", "image__label__name")
    return {(paper, file): label for paper, file, label in named}


def read_predictions(version: int) -> dict[Key, str]:
    """Return what a version said of the images it was evaluated on."""
    from classifier.models import Prediction

    rows = Prediction.objects.filter(version=version)
    named = rows.values_list("image__paper__identifier", "image__file_name", "predicted")
    return {(paper, file): said for paper, file, said in named}


def read_truth(path: Path, *, names: dict[str, str]) -> dict[Key, str]:
    """Return the true class names."""
    classes = json.loads(path.read_text(encoding="utf-8"))["classes"]
    return {(paper, file): names[true] for paper, files in classes.items() for file, true in files.items()}


def scored(actual: list[str], predicted: list[str]) -> dict[str, Any]:
    """Return macro-F1 and the F1 of each class."""
    from classifier.metrics import score

    scores = score(actual, predicted, classes=sorted(set(actual) | set(predicted)))
    return {
        "macro_f1": round(scores.macro_f1, 3),
        "f1": {one.name: round(one.f1, 3) for one in scores.per_class if one.f1 is not None},
    }


def colour_baseline(images: Path, train: dict[Key, str], test: list[Key]) -> list[str]:
    """Return the classes a logistic regression on colour histograms gives the test images."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    model.fit([histogram(images / paper / file) for paper, file in train], list(train.values()))
    return [str(said) for said in model.predict([histogram(images / paper / file) for paper, file in test])]


def histogram(path: Path) -> NDArray[np.float64]:
    """Return the shares of 64 colours, (64,)."""
    from datasets.decoding import decode

    pixels = decode(path.read_bytes()).pixels.reshape(-1, 3)
    counts, _ = np.histogramdd(pixels, bins=(BINS,) * 3, range=((0, 256),) * 3)
    return counts.ravel() / len(pixels)


def main() -> None:
    """Measure every seed; print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--papers", type=int)
    parser.add_argument("--epochs", type=int, help="instead of the default configuration's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="biofors-benchmark-") as temporary:
        os.environ["BIOFORS_DATA_DIR"] = str(Path(temporary) / "data")
        os.environ["DJANGO_SETTINGS_MODULE"] = "biofors_site.settings"
        for outside in ("DATABASE_URL", "CELERY_BROKER_URL", "BIOFORS_STORAGE"):
            os.environ.pop(outside, None)
        import django

        django.setup()
        manage("bootstrap")
        runs = []
        for seed in options.seeds:
            run = measure(seed, Path(temporary), papers=options.papers, epochs=options.epochs)
            runs.append(run)
            print(json.dumps(run))
    scores = [run["macro_f1"] for run in runs]
    baseline = float(np.mean([run["colours_macro_f1"] for run in runs]))
    print(f"CNN, macro-F1 against the truth: {', '.join(f'{value:.3f}' for value in scores)}")
    print(f"logistic regression on colour histograms, mean: {baseline:.3f}")
    print(
        json.dumps(
            {
                "name": "sample",
                "macro_f1": scores,
                "baseline_macro_f1": round(baseline, 3),
                "drawing_seconds": [run["drawing_seconds"] for run in runs],
                "training_seconds": [run["training_seconds"] for run in runs],
                "images": [run["images"] for run in runs],
                "ratio": round(float(np.mean(scores)) / baseline, 2),
                "goal": f"macro-F1 from {LOWEST} to {HIGHEST} for every seed",
                "holds": all(LOWEST <= value <= HIGHEST for value in scores),
            }
        )
    )


if __name__ == "__main__":
    main()
