"""Rows of trained models and their work to test with; files are placeholders, or a real tiny ONNX network."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import factory
import numpy as np
from django.conf import settings
from django.utils import timezone
from factory.django import DjangoModelFactory

from classifier.models import ModelVersion, Prediction
from classifier.networks.foreign.stated import Stated
from datasets.models import Dataset, Image, Split
from datasets.models.label_class import DEFAULT_CLASSES
from datasets.splitting import make_split
from tests.factories import DatasetFactory, ImageFactory, PaperFactory
from training_jobs.models import ImportJob, InferenceJob, ModelImport, TrainingRun

CLASSES = [str(fields["name"]) for fields in DEFAULT_CLASSES]
SIZE = 8
PLACEHOLDER = b"a placeholder"


def write_onnx(path: Path, *, classes: int = len(CLASSES), size: int = SIZE) -> str:
    """Write a network that tells images by their brightness, darkest first class; return its sha256.

    Input (N, size, size, 3) float32 0..255; output (N, classes), a softmax.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    # Class k is the likelier the nearer the mean brightness is to the k-th of as many steps.
    steps = np.linspace(0, 255, classes).astype(np.float32).reshape(1, -1)
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("Sub", ["column", "steps"], ["off"]),
        helper.make_node("Abs", ["off"], ["distance"]),
        helper.make_node("Mul", ["distance", "slope"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", size, size, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])],
        [
            numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "last"),
            numpy_helper.from_array(steps, "steps"),
            numpy_helper.from_array(np.array(-0.05, dtype=np.float32), "slope"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return sha256(path.read_bytes()).hexdigest()


def write_seeing_onnx(path: Path, *, classes: int = len(CLASSES), size: int = SIZE) -> str:
    """Write a convolutional network: the first class is for red, the second green, the third blue, at 0..255.

    Its map has the mean colour of each 2 x 2 pixels. Input and output are as those of `write_onnx`.
    """
    from hashlib import sha256

    import onnx
    from onnx import TensorProto, helper, numpy_helper

    means = np.zeros((3, 3, 2, 2), dtype=np.float32)
    weights = np.full((3, classes), -0.01, dtype=np.float32)
    for channel in range(3):
        means[channel, channel] = 0.25
        weights[channel, channel] = 0.1
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["channels_first", "means"], ["convolved"], strides=[2, 2]),
        helper.make_node("Relu", ["convolved"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("MatMul", ["features", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", size, size, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(means, "means"), numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return sha256(path.read_bytes()).hexdigest()


class ModelVersionFactory(DjangoModelFactory[ModelVersion]):
    """A version with files that only stand there.

    `answers=True` gives it a real network by brightness, `sees=True` a convolutional one by colour.
    """

    class Meta:
        model = ModelVersion

    name = "panels"
    version = factory.Sequence(lambda n: n + 1)
    architecture = ModelVersion.Architecture.CNN
    classes = factory.LazyFunction(lambda: list(CLASSES))
    config = factory.LazyFunction(lambda: {"epochs": 1, "seed": 0})
    input_size = SIZE
    geometry = "letterbox"
    directory = factory.LazyAttribute(lambda made: f"models/{made.name}/test-{made.version}")
    keras_sha256 = sha256(PLACEHOLDER).hexdigest()
    onnx_sha256 = sha256(PLACEHOLDER).hexdigest()
    parity = 0.0

    @classmethod
    def _create(cls, model_class: type[ModelVersion], *args: Any, **kwargs: Any) -> ModelVersion:
        answers, sees = kwargs.pop("answers", False), kwargs.pop("sees", False)
        directory = Path(settings.DATA_DIR) / kwargs["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("model.keras", "model.onnx", "recipe.json"):
            (directory / name).write_bytes(PLACEHOLDER)
        if answers or sees:
            write = write_seeing_onnx if sees else write_onnx
            kwargs["onnx_sha256"] = write(
                directory / "model.onnx", classes=len(kwargs["classes"]), size=kwargs["input_size"]
            )
        return model_class.objects.create(**kwargs)


class PredictionFactory(DjangoModelFactory[Prediction]):
    """What a version said of an image: `predicted` with 0.9, the rest shared."""

    class Meta:
        model = Prediction

    version = factory.SubFactory(ModelVersionFactory)
    image = factory.SubFactory(ImageFactory)
    predicted = CLASSES[0]
    confidence = 0.9
    probabilities = factory.LazyAttribute(
        lambda made: [
            made.confidence
            if name == made.predicted
            else (1 - made.confidence) / (len(made.version.classes) - 1)
            for name in made.version.classes
        ]
    )


def labelled_dataset(
    *,
    papers: int = 6,
    per_paper: int = 4,
    classes: tuple[str, ...] = ("BlotGel", "Microscopy"),
    slug: str = "",
) -> Dataset:
    """A dataset of labelled noise: each paper holds images of each class in turn."""
    dataset = DatasetFactory(**({"slug": slug} if slug else {}))
    for number in range(papers):
        paper = PaperFactory(dataset=dataset, identifier=str(number))
        for place in range(per_paper):
            ImageFactory(
                paper=paper,
                file_name=f"01{place + 1:02}01.png",
                label=classes[place % len(classes)],
                seed=1000 * number + place,
            )
    return dataset


def split_of(dataset: Dataset, *, name: str = "s", ratios: str = "2:1:1") -> Split:
    """A split of a dataset by paper."""
    return make_split(dataset, name=name, ratios=ratios)


def predict_all(version: ModelVersion, images: Any, *, wrong: int = 0) -> None:
    """Let a version say the label of each image, but another class for the first `wrong` of them."""
    for place, image in enumerate(images.select_related("label").order_by("pk")):
        name = image.label.name if image.label else version.classes[0]
        if place < wrong:
            name = version.classes[(version.classes.index(name) + 1) % len(version.classes)]
        PredictionFactory(version=version, image=image, predicted=name)


class TrainingRunFactory(DjangoModelFactory[TrainingRun]):
    """A queued run; no worker is woken."""

    class Meta:
        model = TrainingRun

    split = factory.LazyFunction(lambda: split_of(labelled_dataset()))
    architecture = ModelVersion.Architecture.CNN
    name = "panels"
    config = factory.LazyFunction(
        lambda: {
            "architecture": "cnn",
            "layout": "pooled",
            "image_size": 32,
            "epochs": 1,
            "batch_size": 8,
            "drawn_papers": 0,
        }
    )
    label_cutoff = factory.LazyFunction(timezone.now)


class InferenceJobFactory(DjangoModelFactory[InferenceJob]):
    """A queued inference job over a dataset; no worker is woken."""

    class Meta:
        model = InferenceJob

    version = factory.SubFactory(ModelVersionFactory)
    dataset = factory.SubFactory(DatasetFactory)
    failures = factory.LazyFunction(list)
    failed = factory.LazyAttribute(lambda made: len(made.failures))
    label_cutoff = factory.LazyAttribute(
        lambda made: timezone.now() if getattr(made, "split", None) else None
    )


class ImportJobFactory(DjangoModelFactory[ImportJob]):
    """A queued check of an archive that is not there."""

    class Meta:
        model = ImportJob

    dataset_slug = "imported"
    archive = "imports/none.zip"
    archive_name = "panels.zip"


class ModelImportFactory(DjangoModelFactory[ModelImport]):
    """A queued import of a model whose file is not there."""

    class Meta:
        model = ModelImport

    name = "old"
    architecture = ModelVersion.Architecture.RESNET50
    classes = factory.LazyFunction(lambda: list(CLASSES))
    stated = factory.LazyFunction(lambda: Stated(architecture="resnet50").as_dict())
    file = "imports/none.model"
    file_name = "old.h5"
    file_sha256 = "0" * 64


def images_in(split: Split, subset: str) -> Any:
    """The images of a subset."""
    return Image.objects.in_subset(split, subset)
