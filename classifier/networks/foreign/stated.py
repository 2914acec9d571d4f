"""What a person states of a network trained elsewhere, checked; imports no Keras."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from classifier.geometry import Geometry
from classifier.networks.config import ARCHITECTURES
from classifier.networks.errors import InvalidConfig
from classifier.networks.fields import Field

AS_STORED = "file"
ACTIVATIONS = ("relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "softsign", "linear")
STATED: dict[str, Field] = {
    field.name: field
    for field in (
        Field("architecture", "choice", "Architecture", "resnet50: that of keras.applications with a head; "
              "cnn: convolutions and poolings in a row, then dense layers.", choices=ARCHITECTURES),
        Field("preprocessing", "choice", "Values of pixels", "What the network was fed. caffe: "
              "preprocess_input of keras.applications' ResNet50; unit: divided by 255; tf: from -1 to 1; "
              "none: 0 to 255. usual: caffe for resnet50, unit for cnn; none where the file scales itself.",
              choices=("usual", "caffe", "unit", "tf", "none")),
        Field("geometry", "choice", "Geometry", "How images were brought to a square. stretch: as "
              "ImageDataGenerator and load_img do; letterbox keeps the proportions and pads.",
              choices=(Geometry.STRETCH.value, Geometry.LETTERBOX.value)),
        Field("image_size", "int", "Image size", "Side of the square in pixels; 0: what the file says, else "
              "224.", min=0, max=512),
        Field("pooling", "choice", "Before the dense layers", "Used where the file does not tell (weights "
              "only). file: flatten where the first dense layer is wide enough, else the average.",
              choices=(AS_STORED, "average", "maximum", "flatten")),
        Field("activation", "choice", "Activation", "Of the hidden layers, used where the file does not "
              "tell; file: relu then.", choices=(AS_STORED, *ACTIVATIONS)),
        Field("padding", "choice", "Padding", "Of the convolutions, used where the file does not tell; file: "
              "whichever fits.", choices=(AS_STORED, "valid", "same"), only_for="cnn"),
    )
}  # fmt: skip
SMALLEST = 32


@dataclass(frozen=True)
class Stated:
    """What a person says of a network; invalid settings cannot exist (raises InvalidConfig)."""

    architecture: str
    preprocessing: str = "usual"
    geometry: str = Geometry.STRETCH.value
    image_size: int = 0
    pooling: str = AS_STORED
    activation: str = AS_STORED
    padding: str = AS_STORED

    def __post_init__(self) -> None:
        """Bring each setting into its own type and range."""
        problems: dict[str, list[str]] = {}
        for name, field in STATED.items():
            try:
                object.__setattr__(self, name, field.parse(getattr(self, name)))
            except ValueError as error:
                problems[name] = [str(error)]
        if not problems and 0 < self.image_size < SMALLEST:
            problems["image_size"] = [f"image_size must be 0 or a whole number from {SMALLEST} to 512."]
        if problems:
            raise InvalidConfig(problems)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Self:
        """Return what was stated; InvalidConfig for a name that is no setting."""
        unknown = {name: [f"{name} is not a setting."] for name in given if name not in STATED}
        if unknown:
            raise InvalidConfig(unknown)
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings by name, JSON-ready."""
        return asdict(self)
