"""The inference engine on a network made by hand: it says the strongest of red, green and blue."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classifier.serving import cache
from classifier.serving.cache import EngineSpec, forget_engines, get_engine
from classifier.serving.engine import ArtefactMissing, ArtefactUnreadable, Engine

CLASSES = ("red", "green", "blue")


def strongest_colour(path: Path, *, size: int = 32, scale: float = 0.05) -> Path:
    """Write an ONNX network whose probabilities follow the mean of each channel."""
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32) * scale, "weights")
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", size, size, 3])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "strongest", [pixels], [probabilities], [weights])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path.as_posix()
    )
    return path


def spec_of(path: Path) -> EngineSpec:
    """What the cache needs of a file."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return EngineSpec(path, sha256, CLASSES, 32, "letterbox")


def coloured(*colour: int, height: int = 20, width: int = 50) -> np.ndarray:
    """An image (height, width, 3) uint8 of one colour."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No engine is held before or after a test."""
    forget_engines()
    yield
    forget_engines()


def test_images_of_any_size_are_classified_in_their_order(tmp_path: Path) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    engine = Engine.load(path, classes=CLASSES, size=32, geometry="letterbox")
    colours = [(200, 10, 10), (10, 200, 10), (10, 10, 200)] * 13
    images = [coloured(*colour, width=10 + row) for row, colour in enumerate(colours)]
    probabilities = engine.probabilities(images)
    assert probabilities.shape == (39, 3)
    assert probabilities.dtype == np.float32
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2] * 13
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(39), abs=1e-5)


def test_one_image_gets_its_class_and_all_probabilities(tmp_path: Path) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    engine = Engine.load(path, classes=CLASSES, size=32, geometry="stretch")
    said = engine.classify(coloured(0, 100, 0))
    assert said.label == "green"
    assert list(said.probabilities) == list(CLASSES)
    assert said.confidence == said.probabilities["green"] == max(said.probabilities.values())
    assert said.confidence == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-5)


def test_no_images_give_no_rows(tmp_path: Path) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    engine = Engine.load(path, classes=CLASSES, size=32, geometry="stretch")
    assert engine.probabilities([]).shape == (0, 3)


def test_a_missing_file_is_said_to_be_missing_without_its_place(tmp_path: Path) -> None:
    with pytest.raises(ArtefactMissing, match=r"model\.onnx") as caught:
        Engine.load(tmp_path / "model.onnx", classes=CLASSES, size=32, geometry="stretch")
    assert caught.value.code == "artefact_missing"
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ArtefactUnreadable, match="can not be loaded"):
        Engine.load(path, classes=CLASSES, size=32, geometry="stretch")


def test_a_network_of_other_classes_is_refused(tmp_path: Path) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    with pytest.raises(ArtefactUnreadable, match="for 2 classes"):
        Engine.load(path, classes=("red", "green"), size=32, geometry="stretch")


def test_the_cache_gives_the_same_engine_again(tmp_path: Path) -> None:
    spec = spec_of(strongest_colour(tmp_path / "model.onnx"))
    assert get_engine(spec) is get_engine(spec)


def test_the_cache_holds_the_two_engines_used_last(tmp_path: Path) -> None:
    one, two, three = (
        spec_of(strongest_colour(tmp_path / f"{row}.onnx", scale=0.01 * row)) for row in (1, 2, 3)
    )
    first, second = get_engine(one), get_engine(two)
    assert get_engine(one) is first
    get_engine(three)
    assert len(cache._engines) == cache.HELD == 2
    assert get_engine(one) is first
    assert get_engine(two) is not second


def test_the_cache_notices_that_the_file_is_gone(tmp_path: Path) -> None:
    spec = spec_of(strongest_colour(tmp_path / "model.onnx"))
    get_engine(spec)
    spec.path.unlink()
    with pytest.raises(ArtefactMissing):
        get_engine(spec)


def test_the_cache_refuses_a_file_that_is_not_the_registered_one(tmp_path: Path) -> None:
    spec = spec_of(strongest_colour(tmp_path / "model.onnx"))
    strongest_colour(spec.path, scale=0.5)
    with pytest.raises(ArtefactUnreadable, match="checksum"):
        get_engine(spec)
