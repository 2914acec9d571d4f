"""The settings of a training run, checked; imports no Keras, so that web processes may validate with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from classifier.geometry import Geometry
from classifier.networks.errors import InvalidConfig, RandomBaseFrozen, WeightsUnavailable

ARCHITECTURES = ("cnn", "resnet50")
WEIGHTS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
TRUE_WORDS = {"true", "yes", "on", "1"}
FALSE_WORDS = {"false", "no", "off", "0"}


@dataclass(frozen=True)
class Field:
    """What a form needs to know of one setting.

    `only_for` names the one architecture that reads it; a field that is not `editable` is set by the
    installation or by the choice of the architecture, never by a run's own settings.
    """

    name: str
    type: Literal["int", "float", "bool", "choice", "text"]
    label: str
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    only_for: str | None = None
    editable: bool = True

    def parse(self, value: object) -> Any:
        """Return the value in the field's own type; raises ValueError with a sentence naming the range."""
        match self.type:
            case "bool":
                return self._parse_bool(value)
            case "choice":
                if str(value) not in self.choices:
                    raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}.")
                return str(value)
            case "text":
                if not isinstance(value, str) or not value.strip() or "\0" in value:
                    raise ValueError(f"{self.name} must be a text that is not empty.")
                return value.strip()
            case _:
                return self._parse_number(value)

    def _parse_bool(self, value: object) -> bool:
        """Return a truth from a bool or from a word for one."""
        word = str(value).strip().lower()
        if isinstance(value, bool | str) and word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
        raise ValueError(f"{self.name} must be true or false.")

    def _parse_number(self, value: object) -> int | float:
        """Return a number within the range, whole for "int"."""
        kind = "a whole number" if self.type == "int" else "a number"
        sentence = f"{self.name} must be {kind} from {self.min:g} to {self.max:.10g}."
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(sentence)
        try:
            number = float(value)
            whole = int(number) if self.type == "int" else 0
        except (ValueError, OverflowError):
            raise ValueError(sentence) from None
        if self.type == "int" and whole != number:
            raise ValueError(sentence)
        if not (self.min is not None and self.max is not None and self.min <= number <= self.max):
            raise ValueError(sentence)
        return whole if self.type == "int" else number


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("architecture", "choice", "Architecture", "cnn learns from nothing; resnet50 starts from "
              "a network trained on ImageNet.", choices=ARCHITECTURES, editable=False),
        Field("image_size", "int", "Image size", "Side of the square an image is brought to, in pixels.",
              min=32, max=512),
        Field("geometry", "choice", "Geometry", "letterbox keeps the proportions and pads; stretch fills "
              "the square.", choices=tuple(Geometry)),
        Field("epochs", "int", "Epochs", "How often the training images are gone through.", min=1, max=500),
        Field("batch_size", "int", "Batch size", "Images per step.", min=2, max=512),
        Field("learning_rate", "float", "Learning rate", "The highest of the run; it falls to nearly zero "
              "along a cosine.", min=1e-7, max=1.0),
        Field("l2", "float", "L2 penalty", "Weight of the squared weights of the dense layer in the loss.",
              min=0.0, max=1.0),
        Field("dropout", "float", "Dropout", "Share of the dense layer's inputs left out at each step.",
              min=0.0, max=0.9),
        Field("augment", "bool", "Augment", "Vary the training images: flips, small shifts, turns and "
              "zooms, brightness, contrast, inversion, colour."),
        Field("oversample", "bool", "Oversample small classes", "Repeat images of small classes in each "
              "epoch, up to 10 times, towards the size of the largest."),
        Field("best_by", "choice", "Best epoch by", "Which validation score decides which epoch is kept.",
              choices=("val_accuracy", "val_macro_f1")),
        Field("weights", "text", "Base weights", "imagenet, none, or the path of a weights file: "
              "RESNET50_WEIGHTS of the installation.", only_for="resnet50", editable=False),
        Field("train_base", "bool", "Train the base too", "Slower; needs many images. Otherwise only the "
              "new head learns.", only_for="resnet50"),
        Field("seed", "int", "Seed", "The same seed and images give the same run on the same machine.",
              min=0, max=2**31 - 1),
    )
}  # fmt: skip


@dataclass(frozen=True)
class TrainingConfig:
    """All settings of one training run; invalid ones can not exist (raises InvalidConfig)."""

    architecture: str = "cnn"
    image_size: int = 112
    geometry: str = Geometry.LETTERBOX.value
    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 2e-3
    l2: float = 1e-4
    dropout: float = 0.25
    augment: bool = True
    oversample: bool = True
    best_by: str = "val_accuracy"
    weights: str = "none"
    train_base: bool = True
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
            learning_rate=1e-3,
            weights=weights,
            train_base=weights == "none",
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, object]) -> Self:
        """Return the configuration that `as_dict` wrote; settings it lacks have the defaults."""
        _refuse_unknown(stored)
        return cls(**stored)  # type: ignore[arg-type]

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
