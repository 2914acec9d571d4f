"""How much quicker is training than the plain way? Three measurements, each beside its baseline.

    python -m benchmarks.training [--only frozen cnn memory] [--rounds 5] [--images N] [--plain-epochs 1]

- frozen: 10 epochs of a new head on a frozen ResNet50 (224 pixels). The plain way goes through the base with
  varied images in every epoch; ours has the base look once, by the quick engine, and trains the head on what
  it saw. Random weights: how long it takes does not depend on what they know. Each of the plain way does
  the same again, so that one of them is timed in a round and counts ten times (`--plain-epochs 10`: all are).
- cnn: one epoch of the default CNN. The plain way varies each image by SciPy, in Python, before each step (as
  Keras' ImageDataGenerator did); ours varies it in Pillow and makes batches ahead in a thread.
- memory: what a process holds of its own while it trains on 50,000 images from a file map.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.served.alone import memory_mib
from classifier.networks.config import TrainingConfig
from classifier.networks.pipeline import LabelledPixels

CLASSES = ("BlotGel", "FAC", "Macroscopy", "Microscopy", "Noneoftheabove")
EPOCHS = 10
GOALS = {"frozen": 10.0, "cnn": 1.3}
LARGE = 50_000


def noise(count: int, size: int) -> LabelledPixels:
    """Images of noise; the classes in turn."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return LabelledPixels(pixels, np.arange(count, dtype=np.int64) % len(CLASSES))


def nothing(size: int) -> LabelledPixels:
    """No images."""
    return LabelledPixels(np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64))


def varied_by_scipy(images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.float32]:
    """Turn, shift, zoom and flip each image as Keras' ImageDataGenerator does, channel by channel."""
    from scipy.ndimage import affine_transform

    varied = np.empty(images.shape, np.float32)
    middle = (np.array(images.shape[1:3]) - 1) / 2
    for row, image in enumerate(images):
        angle, zoom = np.deg2rad(generator.uniform(-8, 8)), generator.uniform(0.8, 1.2)
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * zoom
        offset = middle - matrix @ middle + generator.uniform(-0.08, 0.08, 2) * images.shape[1]
        for channel in range(3):
            varied[row, ..., channel] = affine_transform(
                image[..., channel].astype(np.float32), matrix, offset, order=1, mode="nearest"
            )
        if generator.random() < 0.5:
            varied[row] = varied[row, :, ::-1]
    return varied


def compiled(network: Any, config: TrainingConfig) -> Any:
    """Make a network ready to learn."""
    import keras

    network.compile(optimizer=keras.optimizers.Adam(config.learning_rate), loss="categorical_crossentropy")
    return network


def plain(network: Any, config: TrainingConfig, images: LabelledPixels, *, epochs: int) -> None:
    """Train as the scripts do: each batch read, varied and learnt, one after the other."""
    generator = np.random.default_rng(0)
    targets = np.eye(len(CLASSES), dtype=np.float32)[images.labels]
    for _ in range(epochs):
        order = generator.permutation(len(images))
        for start in range(0, len(order) - config.batch_size + 1, config.batch_size):
            rows = order[start : start + config.batch_size]
            network.train_on_batch(varied_by_scipy(images.take(rows), generator), targets[rows])


def ours(config: TrainingConfig, images: LabelledPixels, **more: Any) -> list[float]:
    """Train as a run does; return the seconds of each epoch."""
    from classifier.networks.fitting import fit

    with tempfile.TemporaryDirectory() as folder:
        result = fit(
            config,
            classes=CLASSES,
            train=images,
            validation=nothing(config.image_size),
            directory=Path(folder),
            on_epoch=lambda epoch: None,
            **more,
        )
    return [epoch.seconds for epoch in result.epochs]


def frozen(rounds: int, images: int, *, plain_epochs: int) -> dict[str, float]:
    """Compare ten epochs of a head, of which the plain way goes through `plain_epochs`."""
    import keras
    import onnxruntime

    from classifier.networks.architectures import build
    from classifier.networks.artefacts import export_features
    from classifier.networks.stages import Features

    panels = noise(images, 224)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "base.weights.h5"
        keras.applications.ResNet50(include_top=False, weights=None).save_weights(weights)
        config = TrainingConfig.defaults("resnet50", weights=str(weights)).with_overrides(
            {"epochs": EPOCHS, "balance": "none"}
        )
        network = compiled(build(config, class_count=len(CLASSES)), config)
        began = time.perf_counter()
        export_features(network, Path(folder) / "base.onnx", pixels=panels.pixels[:2])
        exporting = time.perf_counter() - began
        session = onnxruntime.InferenceSession(Path(folder) / "base.onnx", providers=["CPUExecutionProvider"])
        looked = 0.0

        def featured(_: Any) -> Features:
            nonlocal looked
            began = time.perf_counter()
            name = session.get_inputs()[0].name
            values = [
                session.run(None, {name: panels.pixels[at : at + 16].astype(np.float32)})[0]
                for at in range(0, images, 16)
            ]
            looked = time.perf_counter() - began
            return Features(np.concatenate(values), np.arange(images)[:, None], np.zeros(0, np.int64))

        def once() -> float:
            return sum(ours(config, panels, featured=featured)) + looked

        def through() -> float:
            timed_epochs = timed(lambda: plain(network, config, panels, epochs=plain_epochs))
            return timed_epochs * EPOCHS / plain_epochs

        # The first step builds the graph.
        plain(network, config, noise(config.batch_size, 224), epochs=1)
        told = compared("frozen", once, through, rounds)
    told |= {"images": images, "plain_epochs_timed": plain_epochs, "export_seconds_once": round(exporting, 1)}
    return told


def cnn(rounds: int, images: int) -> dict[str, float]:
    """Compare an epoch of the default CNN."""
    from classifier.networks.architectures import build

    config = TrainingConfig.defaults("cnn").with_overrides(
        {"epochs": 2, "balance": "none", "drawn_papers": 0}
    )
    panels = noise(images, config.image_size)
    network = compiled(build(config, class_count=len(CLASSES)), config)
    plain(network, config, panels, epochs=1)
    # Of two epochs the first also builds the network's graph: the second is told.
    return compared(
        "cnn",
        lambda: ours(config, panels)[-1],
        lambda: timed(lambda: plain(network, config, panels, epochs=1)),
        rounds,
    )


def memory() -> dict[str, float]:
    """Measure what training on 50,000 images holds, beside what it holds on 500."""
    from classifier.row_cache import RowCache

    size = 112
    held = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = RowCache(Path(folder), shape=(size, size, 3), dtype=np.uint8)
        rows = np.random.default_rng(0).integers(0, 256, (500, size, size, 3), dtype=np.uint8)
        for start in range(0, LARGE, len(rows)):
            cache.add([(start + place).to_bytes(32) for place in range(len(rows))], rows)
        settings = {"epochs": 1, "balance": "none", "drawn_papers": 0, "augment": False, "batch_size": 512}
        config = TrainingConfig.defaults("cnn").with_overrides(settings)
        for count in (500, LARGE):
            labels = np.arange(count, dtype=np.int64) % len(CLASSES)
            steps(config, LabelledPixels(cache.rows[:count], labels), most=10)
            held[count] = anonymous_mib()
    return {
        "images": LARGE,
        "mib_500": held[500],
        "mib_50000": held[LARGE],
        "file_mib": LARGE * size * size * 3 >> 20,
    }


def steps(config: TrainingConfig, images: LabelledPixels, *, most: int) -> None:
    """Take some steps of an epoch, then stop."""
    from classifier.networks.errors import FittingCancelled

    taken = iter(range(most))
    with suppress(FittingCancelled):
        ours(config, images, should_stop=lambda: next(taken, None) is None)


def anonymous_mib() -> int:
    """Return the memory of this process that is no file's, in MiB."""
    return round(memory_mib("RssAnon"))


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compared(
    name: str, one: Callable[[], float], other: Callable[[], float], rounds: int
) -> dict[str, float]:
    """Return the median seconds of both, taken in turn, and their ratio."""
    pairs = [(one(), other()) for _ in range(rounds)]
    quick, slow = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"{name:8} ours {quick:8.2f} s, the plain way {slow:8.2f} s: {slow / quick:.2f} times", flush=True)
    return {"seconds": round(quick, 2), "baseline_seconds": round(slow, 2), "ratio": round(slow / quick, 2)}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=["frozen", "cnn", "memory"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, help="of a round: 2,000 for the frozen base, 640 for the CNN")
    parser.add_argument("--plain-epochs", type=int, default=1, help="of the plain way on the frozen base")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    found: dict[str, dict[str, float]] = {}
    if "cnn" in options.only:
        found["cnn"] = cnn(options.rounds, options.images or 640)
    if "frozen" in options.only:
        found["frozen"] = frozen(options.rounds, options.images or 2_000, plain_epochs=options.plain_epochs)
    if "memory" in options.only:
        found["memory"] = memory()
        print("memory   {mib_500} MiB at 500 images, {mib_50000} MiB at 50,000".format(**found["memory"]))
    ratio = found.get("frozen", found.get("cnn", {})).get("ratio")
    holds = all(found[name]["ratio"] >= goal for name, goal in GOALS.items() if name in found)
    print(json.dumps({"name": "training", **found, "ratio": ratio, "goal": GOALS["frozen"], "holds": holds}))


if __name__ == "__main__":
    main()
