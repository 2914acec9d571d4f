"""What a frozen base makes of images, computed once for all runs by the quick engine."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.networks.augmenting import Variations, augment
from classifier.networks.config import TrainingConfig
from classifier.pixels import PREPROCESSING, FittedImages, caches, pixel_cache
from classifier.row_cache import RowCache, make_room

if TYPE_CHECKING:
    from classifier.networks.stages import Features

BATCH = 16
_SAMPLE = 8


class View(NamedTuple):
    """One view of an image: its key in the cache, its number, and the row of the image's pixels."""

    key: bytes
    number: int
    row: int


def frozen_features(
    network: Any,
    config: TrainingConfig,
    *,
    train: FittedImages,
    validation: FittedImages,
    progress: Callable[[int, int], None],
) -> "Features":
    """Return what the base of a network (a Keras model) makes of images, `config.views` of each of train.

    The first view is the image itself, the others are varied as the settings say, each as its image and its
    number have it: another run finds them again. `progress` gets (features made, wanted) and may raise to
    stop. ParityFailed; `Refused` (disk_full).
    """
    from classifier.networks.artefacts import base_sha256
    from classifier.networks.stages import Features

    base = base_sha256(network)
    cache = feature_cache(base, config, count=int(network.get_layer("features").output.shape[-1]))
    of_train, of_validation = _views(train, config.views), _views(validation, 1)
    every = {view.key: view for view in (*of_train, *of_validation)}
    places = cache.places(list(every))
    missing = [view for view, place in zip(every.values(), places, strict=True) if place < 0]
    make_room(caches(), needed=len(missing) * cache.row_bytes, keep=cache.directory)
    if missing:
        # Opened anew: it holds the images of both.
        pixels = pixel_cache(size=config.image_size, geometry=config.geometry).rows
        session = _session(network, base, pixels[train.rows[:_SAMPLE]])
        name = session.get_inputs()[0].name
        for start in range(0, len(missing), BATCH):
            progress(start, len(missing))
            some = missing[start : start + BATCH]
            seen = np.stack([_varied(pixels[view.row], view, config) for view in some])
            cache.add([view.key for view in some], session.run(None, {name: seen})[0])
        progress(len(missing), len(missing))
    return Features(
        values=cache.rows,
        train=cache.places([view.key for view in of_train]).reshape(-1, config.views),
        validation=cache.places([view.key for view in of_validation]),
    )


def feature_cache(base: str, config: TrainingConfig, *, count: int) -> RowCache:
    """Return the cache of a base's features, told by its sha256, of images seen as the settings say."""
    variations = [asdict(config)[each.name] for each in fields(Variations)] if config.augment else []
    seen = hashlib.sha256(repr((config.geometry, config.image_size, PREPROCESSING, variations)).encode())
    directory = caches() / "features" / f"{base[:16]}-{seen.hexdigest()[:16]}"
    return RowCache(directory, shape=(count,), dtype=np.float32)


def _views(images: FittedImages, count: int) -> list[View]:
    """Return so many views of each image, one image after the other."""
    return [
        View(hashlib.sha256(bytes.fromhex(image.sha256) + number.to_bytes(2)).digest(), number, int(row))
        for image, row in zip(images.images, images.rows, strict=True)
        for number in range(count)
    ]


def _varied(pixels: NDArray[np.uint8], view: View, config: TrainingConfig) -> NDArray[np.float32]:
    """Return one view of an image, (S, S, 3) float32 0..255."""
    if not view.number or not config.augment:
        return pixels.astype(np.float32)
    generator = np.random.default_rng(np.frombuffer(view.key, dtype=np.uint32))
    return augment(pixels[None], config, generator=generator)[0]


def _session(network: Any, base: str, sample: NDArray[np.uint8]) -> Any:
    """Return the base in the quick engine, exported where no run has done so yet."""
    import onnxruntime

    from classifier.networks.artefacts import export_features

    size = network.input_shape[1]
    path: Path = caches() / "bases" / f"{base}-{size}.onnx"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        export_features(network, path, pixels=sample)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
