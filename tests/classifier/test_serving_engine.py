"""The inference engine on a network made by hand: it says the strongest of red, green and blue."""

import hashlib
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classifier.serving import cache
from classifier.serving.cache import EngineSpec, forget_engines, get_engine
from classifier.serving.engine import RUNTIMES, ArtefactMissing, ArtefactUnreadable, Engine

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
    assert len(cache._held) == cache.HELD == 2
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


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_both_runtimes_say_the_same(tmp_path: Path, runtime: str) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    engine = Engine.load(path, classes=CLASSES, size=32, geometry="letterbox", runtime=runtime)
    assert (engine.runtime, engine.precision) == (runtime, "float32")
    noise = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    scores = 0.05 * noise.mean(axis=(1, 2))
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert engine.probabilities(list(noise)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("streams", [1, 2])
def test_many_threads_ask_one_engine_at_once_and_each_gets_its_own_answers(
    tmp_path: Path, runtime: str, streams: int
) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    engine = Engine.load(
        path, classes=CLASSES, size=32, geometry="letterbox", runtime=runtime, streams=streams
    )

    def asked(number: int) -> list[int]:
        colours = [[200 if channel == (number + row) % 3 else 10 for channel in range(3)] for row in range(7)]
        return [int(row.argmax()) for row in engine.probabilities([coloured(*each) for each in colours])]

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(asked, range(60)))
    assert said == [[(number + row) % 3 for row in range(7)] for number in range(60)]


def test_an_engine_is_loaded_once_for_all_that_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(strongest_colour(tmp_path / "model.onnx"))
    loads, load = [], Engine.load

    def counted(*args: Any, **kwargs: Any) -> Engine:
        loads.append(args)
        return load(*args, **kwargs)

    monkeypatch.setattr(Engine, "load", counted)
    with ThreadPoolExecutor(8) as threads:
        engines = set(threads.map(get_engine, [spec] * 8))
    assert (len(engines), len(loads)) == (1, 1)


def test_others_are_answered_while_an_engine_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (spec_of(strongest_colour(tmp_path / f"{row}.onnx", scale=0.01 * row)) for row in (1, 2))
    engine = get_engine(before)
    may_go_on, load = threading.Event(), Engine.load

    def held_up(*args: Any, **kwargs: Any) -> Engine:
        may_go_on.wait(30)
        return load(*args, **kwargs)

    monkeypatch.setattr(Engine, "load", held_up)
    with ThreadPoolExecutor(1) as thread:
        switched = thread.submit(get_engine, after)
        for _ in range(20):
            assert get_engine(before) is engine
            assert engine.classify(coloured(200, 0, 0)).label == "red"
        assert not switched.done()
        may_go_on.set()
        assert switched.result(30).classify(coloured(0, 200, 0)).label == "green"
    assert engine.classify(coloured(0, 0, 200)).label == "blue"


def test_an_engine_that_could_not_be_loaded_may_be_asked_for_again(tmp_path: Path) -> None:
    path = strongest_colour(tmp_path / "model.onnx")
    spec, whole = spec_of(path), path.read_bytes()
    path.write_bytes(b"broken")
    with pytest.raises(ArtefactUnreadable):
        get_engine(spec)
    path.write_bytes(whole)
    assert get_engine(spec).classify(coloured(200, 0, 0)).label == "red"


def test_after_a_switch_only_the_engine_in_use_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "IDLE_SECONDS", 0.0)
    dropped = threading.Event()
    before, after = (spec_of(strongest_colour(tmp_path / f"{row}.onnx", scale=0.01 * row)) for row in (1, 2))
    weakref.finalize(get_engine(before), dropped.set)
    engine = get_engine(after)
    assert dropped.wait(30)
    assert get_engine(after) is engine
