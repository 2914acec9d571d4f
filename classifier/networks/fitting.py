"""The training of a network, batch by batch, the weights of its best epoch kept on the disk."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from classifier.metrics import score
from classifier.networks.architectures import build
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import Diverged, FittingCancelled, NothingToTrainOn
from classifier.networks.pipeline import LabelledPixels, augment, batches, epoch_order
from classifier.networks.storing import into_place

BEST_WEIGHTS = "best.weights.h5"
PREDICT_BATCH = 64
LABEL_SMOOTHING = 0.05
WARMUP_SHARE = 0.08

ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class EpochResult:
    """How one epoch went; `epoch` counts from 1, losses are cross-entropies without penalties.

    Training scores are those of the varied images while the network changed. `val_*` are None without
    validation images.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    val_macro_f1: float | None
    learning_rate: float
    seconds: float
    is_best: bool


@dataclass(frozen=True)
class FitResult:
    """A finished training: `weights` holds those of the best epoch, `best_score` is 0..1.

    `stopped` says that it ended before its last epoch; a cancelled training raises instead.
    """

    best_epoch: int
    best_score: float
    epochs: list[EpochResult]
    weights: Path
    stopped: bool = False


def fit(
    config: TrainingConfig,
    *,
    classes: Sequence[str],
    train: LabelledPixels,
    validation: LabelledPixels,
    directory: Path,
    on_epoch: Callable[[EpochResult], None],
    on_batch: Callable[[int, int], None] | None = None,
    should_stop: ShouldStop = lambda: False,
) -> FitResult:
    """Train a network and keep the weights of its best epoch in `directory`, replaced atomically.

    The best epoch has the highest `config.best_by`, among equals the lowest loss; without validation images
    the accuracy and loss of training decide. `on_batch` gets (batches done, batches of the run);
    `should_stop` is asked after each batch. Raises NothingToTrainOn, FittingCancelled, Diverged,
    WeightsUnavailable, RandomBaseFrozen.
    """
    if len(set(train.labels.tolist())) < 2:
        raise NothingToTrainOn("Training needs labelled images of at least two classes in the subset train.")
    keras.utils.set_random_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    model = build(config, class_count=len(classes))
    per_epoch = _compile(model, config, train)
    directory.mkdir(parents=True, exist_ok=True)
    weights = directory / BEST_WEIGHTS
    epochs: list[EpochResult] = []
    best_epoch, best_rank = 0, (-math.inf, -math.inf)
    for epoch in range(1, config.epochs + 1):
        started = time.monotonic()
        order = epoch_order(train.labels, oversample=config.oversample, generator=generator)
        steps: list[tuple[float, float]] = []
        for rows in batches(order, batch_size=config.batch_size):
            steps.append(_train_on(model, config, train, rows, generator=generator))
            if on_batch is not None:
                on_batch((epoch - 1) * per_epoch + len(steps), config.epochs * per_epoch)
            _stop_if_asked(should_stop)
        loss, accuracy = (float(mean) for mean in np.mean(steps, axis=0))
        judged = _judge(model, classes, validation, should_stop=should_stop)
        rank = _rank(config, loss=loss, accuracy=accuracy, **judged)
        if rank > best_rank:
            best_epoch, best_rank = epoch, rank
            _keep_weights(model, weights)
        epochs.append(
            EpochResult(
                epoch=epoch,
                loss=loss,
                accuracy=accuracy,
                **judged,
                learning_rate=float(model.optimizer.learning_rate),
                seconds=time.monotonic() - started,
                is_best=best_epoch == epoch,
            )
        )
        on_epoch(epochs[-1])
    return FitResult(best_epoch=best_epoch, best_score=best_rank[0], epochs=epochs, weights=weights)


def _compile(model: keras.Model, config: TrainingConfig, train: LabelledPixels) -> int:
    """Prepare a model for training along one cosine over the whole run; returns the steps of an epoch."""
    # Only the length of the order counts here: it is the same in every epoch.
    order = epoch_order(train.labels, oversample=config.oversample, generator=np.random.default_rng(0))
    steps = math.ceil(len(order) / config.batch_size)
    warmup = min(100, math.ceil(steps * config.epochs * WARMUP_SHARE))
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate * 0.1,
        decay_steps=max(1, steps * config.epochs - warmup),
        alpha=0.02,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=[
            keras.metrics.CategoricalCrossentropy(name="cross_entropy"),
            keras.metrics.CategoricalAccuracy(name="accuracy"),
        ],
    )
    return steps


def _train_on(
    model: keras.Model,
    config: TrainingConfig,
    train: LabelledPixels,
    rows: NDArray[np.int64],
    *,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Take one step on a batch; returns its cross-entropy and accuracy before the step. Raises Diverged."""
    images = train.pixels[rows]
    pixels = augment(images, generator=generator) if config.augment else images.astype(np.float32)
    targets = np.eye(model.output_shape[-1], dtype=np.float32)[train.labels[rows]]
    logs = model.train_on_batch(pixels, targets, return_dict=True)
    if not math.isfinite(float(logs["loss"])):
        raise Diverged("The loss is not a number any more. Train again with a lower learning_rate.")
    return float(logs["cross_entropy"]), float(logs["accuracy"])


def _judge(
    model: keras.Model, classes: Sequence[str], validation: LabelledPixels, *, should_stop: ShouldStop
) -> dict[str, float | None]:
    """Score the validation images: val_loss, val_accuracy, val_macro_f1; None each without images."""
    if not len(validation):
        return {"val_loss": None, "val_accuracy": None, "val_macro_f1": None}
    probabilities = np.concatenate(list(_predictions(model, validation, should_stop=should_stop)))
    said = np.clip(probabilities[np.arange(len(validation)), validation.labels], 1e-7, 1.0)
    scores = score(
        [classes[label] for label in validation.labels],
        [classes[label] for label in probabilities.argmax(axis=1)],
        classes=classes,
    )
    return {
        "val_loss": float(-np.log(said).mean()),
        "val_accuracy": scores.accuracy,
        "val_macro_f1": scores.macro_f1,
    }


def _predictions(
    model: keras.Model, validation: LabelledPixels, *, should_stop: ShouldStop
) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities of the validation images, batch by batch."""
    for start in range(0, len(validation), PREDICT_BATCH):
        images = validation.pixels[start : start + PREDICT_BATCH].astype(np.float32)
        yield model.predict_on_batch(images)
        _stop_if_asked(should_stop)


def _rank(
    config: TrainingConfig,
    *,
    loss: float,
    accuracy: float,
    val_loss: float | None,
    val_accuracy: float | None,
    val_macro_f1: float | None,
) -> tuple[float, float]:
    """Return what epochs are compared by: the chosen score, then the lower loss."""
    if val_loss is None or val_accuracy is None or val_macro_f1 is None:
        return accuracy, -loss
    return (val_macro_f1 if config.best_by == "val_macro_f1" else val_accuracy), -val_loss


def _stop_if_asked(should_stop: ShouldStop) -> None:
    """Raise FittingCancelled if the training should stop."""
    if should_stop():
        raise FittingCancelled("The training was cancelled.")


def _keep_weights(model: keras.Model, path: Path) -> None:
    """Write the weights under a temporary name, sync, rename: the path always holds a whole file."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    model.save_weights(temporary)
    into_place(temporary, path)
