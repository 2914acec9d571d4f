"""The settings of a training run, checked; imports no Keras, so that web processes may validate with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from classifier.geometry import Geometry
from classifier.networks.augmenting import VARIATIONS, Variations
from classifier.networks.errors import InvalidConfig, RandomBaseFrozen, WeightsUnavailable
from classifier.networks.fields import Field

ARCHITECTURES = ("cnn", "resnet50")
WEIGHTS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("architecture", "choice", "Architecture", "cnn learns from nothing; resnet50 starts from "
              "a network trained on ImageNet.", choices=ARCHITECTURES, editable=False),
        Field("layout", "choice", "Layout", "shortcuts: five blocks of two convolutions and a shortcut, "
              "pooled over the whole image. pooled: one convolution a block; quicker. plain: three "
              "convolutions, flattened, one dense layer with an L2 penalty.",
              choices=("shortcuts", "pooled", "plain"), only_for="cnn"),
        Field("image_size", "int", "Image size", "Side of the square an image is brought to, in pixels.",
              min=32, max=512),
        Field("geometry", "choice", "Geometry", "letterbox keeps the proportions and pads; stretch fills "
              "the square.", choices=tuple(Geometry)),
        Field("epochs", "int", "Epochs", "How often the training images are gone through.", min=1, max=500),
        Field("batch_size", "int", "Batch size", "Images per step.", min=2, max=512),
        Field("learning_rate", "float", "Learning rate", "The highest of the run.", min=1e-7, max=1.0),
        Field("schedule", "choice", "Schedule", "cosine: after a warm-up the learning rate falls to nearly "
              "zero; constant: it stays.", choices=("cosine", "constant")),
        Field("precision", "choice", "Precision", "mixed: on a graphics card numbers of 16 bits between the "
              "layers, quicker and in half the memory; elsewhere all numbers have 32 bits.",
              choices=("float32", "mixed")),
        Field("patience", "int", "Patience", "Stop after so many epochs without a better one; 0: never.",
              min=0, max=100),
        Field("l2", "float", "L2 penalty", "Weight of the squared weights of the dense layer in the loss.",
              min=0.0, max=1.0),
        Field("dropout", "float", "Dropout", "Share of the dense layer's inputs left out at each step.",
              min=0.0, max=0.9),
        Field("label_smoothing", "float", "Label smoothing", "Share of each label spread over all classes: "
              "some labels are wrong.", min=0.0, max=0.5),
        Field("balance", "choice", "Small classes", "oversample: repeat their images, up to 10 times, "
              "towards the size of the largest; weights: let each image of theirs count for more, at most "
              "10 times; papers: show each class as often, and of it no paper much more than another; none: "
              "leave them small.", choices=("oversample", "weights", "papers", "none")),
        Field("drawn_papers", "int", "Drawn papers", "Panels of so many drawn papers, some 20 each, join the "
              "training images: variety where sources are few. 0: none.", min=0, max=200, only_for="cnn"),
        Field("augment", "bool", "Augment", "Vary the training images as the settings below say."),
        Field("best_by", "choice", "Best epoch by", "Which validation score decides which epoch is kept.",
              choices=("val_accuracy", "val_macro_f1")),
        Field("weights", "text", "Base weights", "imagenet, none, or the path of a weights file: "
              "RESNET50_WEIGHTS of the installation.", only_for="resnet50", editable=False),
        Field("train_base", "bool", "Train the base from the start", "Slower; needs many images. Otherwise "
              "the new head learns first.", only_for="resnet50"),
        Field("views", "int", "Views", "How many versions of each image a frozen base looks at, once for the "
              "whole run: the image itself, the others varied.", min=1, max=16, only_for="resnet50"),
        Field("finetune_epochs", "int", "Fine-tuning epochs", "After the head has learnt: epochs in which "
              "the last stages of the base learn too, their batch normalisation held fixed. 0: none.",
              min=0, max=200, only_for="resnet50"),
        Field("finetune_from", "choice", "Fine-tune from", "The first stage of the base that learns then.",
              choices=("conv5", "conv4", "conv3"), only_for="resnet50"),
        Field("finetune_learning_rate", "float", "Fine-tuning rate", "The highest learning rate then.",
              min=1e-8, max=0.1, only_for="resnet50"),
        Field("seed", "int", "Seed", "The same seed and images give the same run on the same machine.",
              min=0, max=2**31 - 1),
        *VARIATIONS,
    )
}  # fmt: skip


@dataclass(frozen=True)
class TrainingConfig(Variations):
    """All settings of one training run; invalid ones can not exist (raises InvalidConfig)."""

    architecture: str = "cnn"
    layout: str = "shortcuts"
    image_size: int = 112
    geometry: str = Geometry.LETTERBOX.value
    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    precision: str = "float32"
    patience: int = 0
    l2: float = 1e-4
    dropout: float = 0.25
    label_smoothing: float = 0.05
    balance: str = "papers"
    drawn_papers: int = 60
    augment: bool = True
    best_by: str = "val_accuracy"
    weights: str = "none"
    train_base: bool = True
    views: int = 1
    finetune_epochs: int = 0
    finetune_from: str = "conv5"
    finetune_learning_rate: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        """Bring each setting into its own type and range."""
        problems: dict[str, list[str]] = {}
        for name, field in FIELDS.items():
            try:
                object.__setattr__(self, name, field.parse(getattr(self, name)))
            except ValueError as error:
                problems[name] = [str(error)]
        if problems:
            raise InvalidConfig(problems)

    @classmethod
    def defaults(cls, architecture: str, *, weights: str = "imagenet") -> Self:
        """Return the defaults of an architecture; `weights` is the installation's RESNET50_WEIGHTS.

        With random weights ("none") the base is trained too. A cnn has no base and ignores `weights`.
        """
        if architecture != "resnet50":
            return cls(architecture=architecture)
        return cls(
            architecture=architecture,
            image_size=224,
            epochs=10,
            drawn_papers=0,
            learning_rate=1e-3,
            weights=weights,
            train_base=weights == "none",
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> Self:
        """Return the configuration that `as_dict` wrote; settings it lacks have the defaults."""
        _refuse_unknown(stored)
        return cls(**stored)  # type: ignore[arg-type]

    @property
    def total_epochs(self) -> int:
        """How many epochs both stages have together."""
        return self.epochs + self.finetuning_epochs

    @property
    def finetuning_epochs(self) -> int:
        """How many epochs the last stages of a base learn after the head: none where it learnt all along."""
        return 0 if self.base_learns else self.finetune_epochs

    @property
    def base_learns(self) -> bool:
        """Whether the whole network learns from the start."""
        return self.architecture == "cnn" or self.train_base

    def with_overrides(self, overrides: Mapping[str, object], *, by_installation: bool = False) -> Self:
        """Return a copy with other settings, texts parsed ("0.001", "true"); raises InvalidConfig.

        What people may not choose for a run (the architecture's name, the path of the base weights: it
        would let a client probe the server's files) is refused unless `by_installation`.
        """
        _refuse_unknown(overrides)
        if not by_installation:
            kept = {
                name: [f"{name} is not a setting of a run: {FIELDS[name].help}"]
                for name, value in overrides.items()
                if not FIELDS[name].editable and value != getattr(self, name)
            }
            if kept:
                raise InvalidConfig(kept)
        return replace(self, **overrides)  # type: ignore[arg-type]

    def check_weights(self) -> None:
        """Raise RandomBaseFrozen or WeightsUnavailable where that is plain before anything is loaded."""
        if self.architecture != "resnet50" or self.weights == "imagenet":
            return
        if self.weights == "none":
            if not self.train_base:
                raise RandomBaseFrozen(
                    "The ResNet50 base has random weights (RESNET50_WEIGHTS is none) and would be frozen: it "
                    "could learn nothing. Set train_base to true, or supply weights by RESNET50_WEIGHTS."
                )
        elif not Path(self.weights).is_file():
            raise WeightsUnavailable(
                f"RESNET50_WEIGHTS names {Path(self.weights).name}, but there is no such file. "
                f"{how_to_supply_weights()}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return all settings by name, JSON-ready."""
        return asdict(self)

    def described(self) -> dict[str, Any]:
        """Return all settings to be shown or given away: of a weights path only the file's name."""
        shown = self.weights if self.weights in ("imagenet", "none") else Path(self.weights).name
        return {**asdict(self), "weights": shown}


def how_to_supply_weights() -> str:
    """Return the sentence that says how the ResNet50 base gets its weights without a download."""
    return (
        f"Set RESNET50_WEIGHTS to the path of {WEIGHTS_FILE} (from the release page of "
        "fchollet/deep-learning-models or another machine's ~/.keras/models), or to none to train the base "
        "from scratch."
    )


def _refuse_unknown(settings: Mapping[str, object]) -> None:
    """Raise InvalidConfig for names that are no settings."""
    known = [field.name for field in fields(TrainingConfig)]
    unknown = {
        name: [f"{name} is not a setting. Known: {', '.join(known)}."]
        for name in settings
        if name not in FIELDS
    }
    if unknown:
        raise InvalidConfig(unknown)
