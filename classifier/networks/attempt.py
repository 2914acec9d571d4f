"""One attempt at a training: stage by stage, step by step, with what it keeps on the disk."""

import math
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from classifier.networks import checkpoints
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import Diverged, FittingCancelled, FittingInterrupted
from classifier.networks.judging import judge, rank
from classifier.networks.pipeline import batches, class_weights, epoch_order, made_ahead
from classifier.networks.position import EpochResult, Position
from classifier.networks.schedules import learning_rate
from classifier.networks.stages import Stage
from classifier.networks.storing import written_whole
from classifier.networks.weights import SUFFIX, read_weights, write_weights

# A kill in a long epoch costs no more than this.
CHECKPOINT_SECONDS = 300.0

ShouldStop = Callable[[], bool]
# Batches done, batches of the run, the learning rate of the latest.
OnBatch = Callable[[int, int, float], None]


class Attempt:
    """One attempt at a training."""

    def __init__(
        self,
        config: TrainingConfig,
        *,
        classes: Sequence[str],
        stages: Sequence[Stage],
        directory: Path,
        on_epoch: Callable[[EpochResult], None],
        on_batch: OnBatch | None,
        should_stop: ShouldStop,
        stop_after: int | None = None,
    ) -> None:
        self.config = config
        self.classes = classes
        self.stages = stages
        self.directory = directory
        self.on_epoch = on_epoch
        self.on_batch = on_batch
        self.should_stop = should_stop
        self.epochs = min(config.total_epochs, stop_after or config.total_epochs)
        self.at = Position()
        self.earlier: checkpoints.Checkpoint | None = None
        self.train = stages[0].train
        # Only the length of the order counts here: it is the same in every epoch.
        self.per_epoch = len(self._order(0))
        weights = config.balance == "weights"
        self.weights = class_weights(self.train.labels, class_count=len(classes)) if weights else None
        self.saved = time.monotonic()
        directory.mkdir(parents=True, exist_ok=True)

    # Going on

    def accepts(self, checkpoint: checkpoints.Checkpoint) -> bool:
        """Whether a checkpoint is of this very training, and its best weights are there."""
        state = checkpoint.state
        best = state.get("at", {}).get("best_file")
        is_same = state.get("config") == self.config.described() and state.get("images") == len(self.train)
        is_there = best == "" or (
            best and best.endswith(SUFFIX) and (checkpoint.path.parent / best).is_file()
        )
        return bool(is_same and is_there)

    def go_on_from(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Take over where a checkpoint stands; its network follows when its stage begins."""
        self.earlier = checkpoint
        self.at = Position.from_state(checkpoint.state["at"])
        best = checkpoint.path.parent / self.at.best_file
        if self.at.best_file and best.parent != self.directory:
            with written_whole(self.directory / best.name) as temporary:
                shutil.copyfile(best, temporary)

    # Running

    def run(self) -> None:
        """Go through the stages that are left; the network has the best epoch's weights at the end."""
        for place, stage in enumerate(self.stages):
            if place < self.at.stage or self._is_paused():
                continue
            stage.begin()
            self._compile(stage.model)
            if self.earlier is not None:
                _restore(stage.model, self.earlier.arrays)
                self.earlier = None
            elif place:
                # The last stage goes on from its predecessor's best, as a whole network from now on.
                self._load_best(self.stages[place - 1].model)
                self.at.stage, self.at.began = place, len(self.at.epochs)
                self._keep_best(stage.model)
            while not self._is_over(stage):
                self._run_epoch(stage)
        self._load_best(self.stages[self.at.stage].model)

    def _is_paused(self) -> bool:
        """Whether the epochs asked for are done: others may go on from here."""
        return len(self.at.epochs) >= self.epochs

    def _is_over(self, stage: Stage) -> bool:
        """Whether a stage has had its epochs, or gained nothing for as many as its patience lasts."""
        if self._is_paused():
            return True
        done = len(self.at.epochs)
        gained = max(self.at.best_epoch, self.at.began)
        has_patience = not self.config.patience or done - gained < self.config.patience
        return done - self.at.began >= stage.epochs or not has_patience

    def _run_epoch(self, stage: Stage) -> None:
        """Train one epoch, or the rest of it, and judge what came of it."""
        epoch, began = len(self.at.epochs) + 1, time.monotonic() - self.at.seconds
        order = self._order(epoch)
        made = [partial(self._batch, stage, epoch, step, order[step]) for step in range(len(order))]
        for inputs, targets, weights in made_ahead(made[self.at.step :]):
            rate = self._rate(stage, epoch, self.at.step)
            stage.model.optimizer.learning_rate = rate
            logs = stage.model.train_on_batch(inputs, targets, sample_weight=weights, return_dict=True)
            self.at.step += 1
            self._add_up(logs)
            self.at.seconds = time.monotonic() - began
            if self.on_batch is not None:
                total = self.epochs * self.per_epoch
                self.on_batch((epoch - 1) * self.per_epoch + self.at.step, total, rate)
            self._look_up(stage)
        self._end_epoch(stage, epoch, began=began)

    def _batch(
        self, stage: Stage, epoch: int, step: int, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
        """Return inputs, targets and weights of one step: the same whoever makes them, and when."""
        labels = self.train.labels[rows]
        generator = np.random.default_rng([self.config.seed, epoch, step])
        targets = np.eye(len(self.classes), dtype=np.float32)[labels]
        weights = None if self.weights is None else self.weights[labels]
        return stage.inputs(rows, generator=generator), targets, weights

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """Return the steps of an epoch, (steps, batch_size) rows of train."""
        generator = np.random.default_rng([self.config.seed, epoch])
        order = epoch_order(self.train, balance=self.config.balance, generator=generator)
        return batches(order, batch_size=self.config.batch_size)

    def _rate(self, stage: Stage, epoch: int, step: int) -> float:
        """Return the learning rate of a step of an epoch."""
        steps = stage.epochs * self.per_epoch
        step += (epoch - 1 - self.at.began) * self.per_epoch
        return learning_rate(step, steps=steps, highest=stage.rate, schedule=self.config.schedule)

    def _add_up(self, logs: dict[str, Any]) -> None:
        """Add a step's figures, taken before it changed the network; raises Diverged."""
        if not math.isfinite(float(logs["loss"])):
            raise Diverged("The loss is not a number any more. Train again with a lower learning_rate.")
        self.at.loss += float(logs["cross_entropy"])
        self.at.accuracy += float(logs["accuracy"])

    def _look_up(self, stage: Stage) -> None:
        """See whether the training should stop; now and then keep where it stands."""
        try:
            stopped = self.should_stop()
        except FittingInterrupted:
            self._checkpoint(stage)
            raise
        if stopped:
            self._checkpoint(stage)
            raise FittingCancelled("The training was cancelled.")
        if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self._checkpoint(stage)

    def _end_epoch(self, stage: Stage, epoch: int, *, began: float) -> None:
        """Judge an epoch, keep its weights where it is the best, and where the training stands."""
        at = self.at
        loss, accuracy = at.loss / at.step, at.accuracy / at.step
        judged = judge(stage, self.classes, look_up=lambda: self._look_up(stage))
        reached = rank(self.config.best_by, loss=loss, accuracy=accuracy, judged=judged)
        is_best = reached > at.best_rank
        if is_best:
            at.best_epoch, at.best_rank = epoch, reached
            self._keep_best(stage.model)
        at.epochs.append(
            EpochResult(
                epoch=epoch,
                loss=loss,
                accuracy=accuracy,
                **judged,
                learning_rate=self._rate(stage, epoch, at.step - 1),
                seconds=time.monotonic() - began,
                is_best=is_best,
            )
        )
        at.step, at.loss, at.accuracy, at.seconds = 0, 0.0, 0.0, 0.0
        self._checkpoint(stage)
        self.on_epoch(at.epochs[-1])

    # Keeping

    def _keep_best(self, model: keras.Model) -> None:
        """Write the best weights so far, beside those that the last checkpoint names."""
        name = f"best-{self.at.stage}-{self.at.best_epoch:04d}{SUFFIX}"
        write_weights(model, self.directory / name)
        self.at.best_file = name

    def _load_best(self, model: keras.Model) -> None:
        read_weights(model, self.directory / self.at.best_file)

    def _checkpoint(self, stage: Stage) -> None:
        """Write where the training stands; older best weights go once nothing names them."""
        checkpoints.save(
            self.directory,
            number=len(self.at.epochs) * self.per_epoch + self.at.step,
            arrays=_state_of(stage.model),
            state={
                "config": self.config.described(),
                "images": len(self.train),
                "at": self.at.as_state(),
            },
        )
        self.saved = time.monotonic()
        for path in sorted(self.directory.glob(f"best-*{SUFFIX}"))[: -checkpoints.KEPT]:
            path.unlink(missing_ok=True)

    def _compile(self, model: keras.Model) -> None:
        model.compile(
            optimizer=keras.optimizers.Adam(self.config.learning_rate),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=self.config.label_smoothing),
            metrics=[
                keras.metrics.CategoricalCrossentropy(name="cross_entropy"),
                keras.metrics.CategoricalAccuracy(name="accuracy"),
            ],
        )
        model.optimizer.build(model.trainable_variables)


def _state_of(model: keras.Model) -> dict[str, list[NDArray[Any]]]:
    """Return all that changes while a model learns: weights, statistics, seeds, the optimiser's memory."""
    return {
        "model": [np.asarray(variable) for variable in model.variables],
        "optimizer": [np.asarray(variable) for variable in model.optimizer.variables],
    }


def _restore(model: keras.Model, arrays: dict[str, list[NDArray[Any]]]) -> None:
    """Set what `_state_of` returned."""
    for name, variables in (("model", model.variables), ("optimizer", model.optimizer.variables)):
        for variable, array in zip(variables, arrays[name], strict=True):
            variable.assign(array)
