"""The training of a network: the best epoch's weights kept, gone on with where it was left."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import keras

from classifier.networks import checkpoints
from classifier.networks.architectures import build
from classifier.networks.attempt import Attempt, OnBatch, ShouldStop
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import NothingToTrainOn
from classifier.networks.pipeline import LabelledPixels
from classifier.networks.position import EpochResult, FitResult
from classifier.networks.stages import Featured, stages_of
from classifier.networks.weights import SUFFIX, write_weights

__all__ = ["EpochResult", "FitResult", "fit", "make_repeatable"]


def fit(
    config: TrainingConfig,
    *,
    classes: Sequence[str],
    train: LabelledPixels,
    validation: LabelledPixels,
    directory: Path,
    on_epoch: Callable[[EpochResult], None],
    on_batch: OnBatch | None = None,
    should_stop: ShouldStop = lambda: False,
    featured: Featured | None = None,
    go_on_from: Iterable[Path] = (),
    on_going_on: Callable[[Sequence[EpochResult], int], None] | None = None,
    stop_after: int | None = None,
) -> FitResult:
    """Train a network and keep in `directory` its best weights and where it stands.

    The best epoch has the highest `config.best_by`, among equals the lowest loss; without validation images
    the accuracy and loss of training decide. A checkpoint is written after each epoch, every few minutes and
    when the training is stopped; `go_on_from` are directories of earlier attempts, of which the first that
    holds one is gone on from: `on_going_on` gets its finished epochs and the steps of the next one. With the
    same images, settings and machine the outcome is the same, interrupted or not (on a CPU).

    `on_batch` gets batches done, batches of the run, learning rate; `should_stop` is asked after each batch,
    and may raise: after FittingInterrupted another attempt can go on from that very step. `featured` has a
    frozen base look at the images once. The training pauses when it has had `stop_after` epochs: its schedule
    is still that of all of them, and a later one goes on from there. Raises NothingToTrainOn,
    FittingCancelled, Diverged, WeightsUnavailable, RandomBaseFrozen; OSError where the disk is full.
    """
    if len(set(train.labels.tolist())) < 2:
        raise NothingToTrainOn("Training needs labelled images of at least two classes in the subset train.")
    make_repeatable(config.seed)
    network = build(config, class_count=len(classes), mixed=config.precision == "mixed" and has_gpu())
    stages = stages_of(network, config, train=train, validation=validation, featured=featured)
    attempt = Attempt(
        config,
        classes=classes,
        stages=stages,
        directory=directory,
        on_epoch=on_epoch,
        on_batch=on_batch,
        should_stop=should_stop,
        stop_after=stop_after,
    )
    earlier = checkpoints.newest([directory, *go_on_from])
    if earlier is not None and attempt.accepts(earlier):
        attempt.go_on_from(earlier)
        if on_going_on is not None:
            on_going_on(attempt.at.epochs, attempt.at.step)
    attempt.run()
    weights = directory / f"best{SUFFIX}"
    write_weights(network, weights)
    at = attempt.at
    return FitResult(at.best_epoch, at.best_rank[0], at.epochs, weights)


def make_repeatable(seed: int) -> None:
    """Seed everything random; on a CPU also let every operation add up in the same order each time."""
    keras.utils.set_random_seed(seed)
    if not has_gpu():
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def has_gpu() -> bool:
    """Whether TensorFlow sees a graphics card."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
