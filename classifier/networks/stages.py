"""The stages of a training: which network learns, from which inputs, for how many epochs."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from classifier.networks.architectures import head_of, in_float32, let_learn
from classifier.networks.augmenting import augment
from classifier.networks.config import TrainingConfig
from classifier.networks.pipeline import LabelledPixels

Inputs = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """What a frozen base made of the images, once.

    `values` (M, F) float32, maybe a file map; `train` (N, views) and `validation` (N,) int64 say in which row
    those of an image are.
    """

    values: Inputs
    train: NDArray[np.int64]
    validation: NDArray[np.int64]


# Given the network, says what its base makes of the images of train and validation.
Featured = Callable[[keras.Model], Features]


class Stage:
    """A network learning from all its pixels, for at most so many `epochs`, at most at this `rate`."""

    def __init__(
        self,
        network: keras.Model,
        config: TrainingConfig,
        *,
        train: LabelledPixels,
        validation: LabelledPixels,
        epochs: int,
        rate: float,
    ) -> None:
        self.model = network
        self.config = config
        self.train = train
        self.validation = validation
        self.epochs = epochs
        self.rate = rate

    def begin(self) -> None:
        """Make ready, before the model is compiled."""

    def inputs(self, which: NDArray[np.int64], *, generator: np.random.Generator) -> Inputs:
        """Return what the network is trained on for some images of train."""
        pixels = self.train.take(which)
        if self.config.augment:
            return augment(pixels, self.config, generator=generator)
        return pixels.astype(np.float32)

    def validation_inputs(self, which: NDArray[np.int64]) -> Inputs:
        """Return what the network is judged on for some images of validation."""
        return self.validation.take(which).astype(np.float32)


class HeadStage(Stage):
    """The head of a network learning from features that a frozen base made once."""

    features: Features

    def __init__(self, *args: object, featured: Featured, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.network, self.featured = self.model, featured
        self.model = head_of(self.network)

    def begin(self) -> None:
        """Have the features made."""
        self.features = self.featured(in_float32(self.network, self.config))

    def inputs(self, which: NDArray[np.int64], *, generator: np.random.Generator) -> Inputs:
        """Return one view of each image, drawn anew each time."""
        views = generator.integers(self.features.train.shape[1], size=len(which))
        return np.asarray(self.features.values[self.features.train[which, views]])

    def validation_inputs(self, which: NDArray[np.int64]) -> Inputs:
        """Return the features of the images as they are."""
        return np.asarray(self.features.values[self.features.validation[which]])


class FinetuningStage(Stage):
    """The last stages of a base learning with the head, from pixels."""

    def begin(self) -> None:
        """Let them learn."""
        let_learn(self.model, first=self.config.finetune_from)


def stages_of(
    network: keras.Model,
    config: TrainingConfig,
    *,
    train: LabelledPixels,
    validation: LabelledPixels,
    featured: Featured | None,
) -> list[Stage]:
    """Return the stages of a training, in their order.

    Without `featured` the head learns through a frozen base, which looks at every image in every epoch.
    """

    def of(kind: type[Stage], epochs: int, rate: float, **more: object) -> Stage:
        images = {"train": train, "validation": validation}
        return kind(network, config, epochs=epochs, rate=rate, **images, **more)  # type: ignore[arg-type]

    rate = config.learning_rate
    if config.base_learns or featured is None:
        first = of(Stage, config.epochs, rate)
    else:
        first = of(HeadStage, config.epochs, rate, featured=featured)
    if not config.finetuning_epochs:
        return [first]
    later = of(FinetuningStage, config.finetuning_epochs, config.finetune_learning_rate)
    return [first, later]
