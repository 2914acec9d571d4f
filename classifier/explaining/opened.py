"""An exported network opened up: its last convolutional map, its feature vector, and gradients between."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.explaining.backward import Array, NoRule, Step, gradients
from classifier.serving.engine import THREADS

# A longer vector, such as a flattened map, says where things lie: its map's mean stands for it.
LONGEST_VECTOR = 4096
# What may follow a convolution and still be its map.
_OF_THE_MAP = frozenset(
    {"Relu", "LeakyRelu", "Elu", "Clip", "Tanh", "Sigmoid", "Add", "Mul", "Sub", "Div", "Identity", "Cast"}
    | {"BatchNormalization", "Transpose"}
)
_DENSE = frozenset({"MatMul", "Gemm"})
# Their results are sizes, not values.
_NOT_VALUES = frozenset({"Shape", "Size", "ConstantOfShape"})


class NotExplainable(Exception):
    """A network that is built so that no gradient of its scores can be had here."""

    code = "not_explainable"
    status = 409


class Operator(NamedTuple):
    """One operator of a graph."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]


class OpenedNetwork:
    """The ONNX graph of a classifier, loaded so that it also tells what lies between pixels and scores."""

    def __init__(self, path: Path) -> None:
        import onnx

        model = onnx.load(path)
        graph = model.graph
        # In plain values: a piece of the model would keep all of its weights in memory.
        self._operators = [_operator(node) for node in graph.node]
        self._maker = {each.output: each for each in self._operators}
        self._input = graph.input[0].name
        self._scores = self._before_softmax(graph.output[0].name)
        self._above = self._ancestors(self._scores)
        self._map, self._channels = self._last_map()
        self._active = self._descendants(self._map) if self._map else set()
        self._vector = self._before_first_dense()
        self._head = self._between_map_and_scores()
        self._constants = self._weights_of_head(graph.initializer)
        self._length: int | None = None
        self._session = _session(model, {*self._active, *filter(None, (self._vector, self._map))})

    def map_and_gradient(
        self, pixels: NDArray[np.uint8], class_number: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return an image's last convolutional map, (h, w, C), and the gradient of a class's score by it.

        Pixels are uint8 (size, size, 3). The score is that before the softmax. `NotExplainable`.
        """
        if self._map is None:
            raise NotExplainable("It has no convolutional map, so there is no Grad-CAM. Ask for occlusion.")
        names = sorted(self._active)
        told = self._session.run(names, {self._input: pixels[None].astype(np.float32)})
        values = {
            name: each.astype(np.float64) if each.dtype.kind == "f" else each
            for name, each in zip(names, told, strict=True)
        }
        found = self._back(values, class_number)
        return tuple(np.moveaxis(each[0], self._channels - 1, -1) for each in (values[self._map], found))  # type: ignore[return-value]

    def vectors(self, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return what the network makes of images before its dense layers, (N, features).

        `NotExplainable` where it has no such layers, and no map either.
        """
        wanted = self._vector or self._map
        if wanted is None:
            raise NotExplainable("It has neither a convolutional map nor dense layers: nothing to compare.")
        batch = np.stack(pixels).astype(np.float32)
        found: NDArray[np.float32] = self._session.run([wanted], {self._input: batch})[0]
        if found.ndim == 2 and found.shape[1] <= LONGEST_VECTOR:
            return found
        if found.ndim == 2 and self._map:
            found = self._session.run([self._map], {self._input: batch})[0]
        axes = tuple(axis for axis in range(1, found.ndim) if axis != self._channels)
        return np.asarray(found.mean(axis=axes), dtype=np.float32)

    def vector_length(self, size: int) -> int:
        """Return how many numbers a vector has, of images of this size. `NotExplainable`."""
        if self._length is None:
            self._length = self.vectors([np.zeros((size, size, 3), dtype=np.uint8)]).shape[1]
        return self._length

    def _back(self, values: dict[str, Any], class_number: int) -> Array:
        """Return the gradient of a class's score by the map."""
        assert self._map is not None
        score = np.zeros(values[self._scores].shape)
        score[0, class_number] = 1
        known: dict[str, Array] = {self._scores: score}
        for each in reversed(self._head):
            gradient = known.pop(each.output, None)
            if gradient is None:
                continue
            inputs = [values.get(name, self._constants.get(name)) if name else None for name in each.inputs]
            try:
                found = gradients(Step(each.kind, each.attributes, inputs, values[each.output]), gradient)
            except NoRule as error:
                raise NotExplainable(
                    f"Its head holds {error}, whose gradient is not known here, so there is no Grad-CAM. "
                    "Ask for occlusion."
                ) from error
            for name, share in zip(each.inputs, found, strict=False):
                if share is not None and name in self._active:
                    known[name] = known[name] + share if name in known else share
        return known[self._map]

    def _before_softmax(self, name: str) -> str:
        """Return the scores that the output is made of by a softmax, a sigmoid or nothing."""
        made_by = self._maker[name]
        if made_by.kind in ("Softmax", "Sigmoid"):
            return made_by.inputs[0]
        return self._before_softmax(made_by.inputs[0]) if made_by.kind in ("Identity", "Cast") else name

    def _last_map(self) -> tuple[str | None, int]:
        """Return the name of the last convolution's map, its activation included, and its channel axis."""
        used = [each for each in self._operators if each.output in self._above]
        convolutions = [each.output for each in used if each.kind == "Conv"]
        if not convolutions:
            return None, 1
        name, channels = convolutions[-1], 1
        while True:
            after = [each for each in used if name in each.inputs]
            if len(after) != 1 or after[0].kind not in _OF_THE_MAP or name == self._scores:
                return name, channels
            if after[0].kind == "Transpose":
                channels = list(after[0].attributes["perm"]).index(channels)
            name = after[0].output

    def _before_first_dense(self) -> str | None:
        """Return the name of the vector that the dense layers begin with."""
        dense = [each for each in self._operators if each.kind in _DENSE and each.output in self._above]
        if self._map:
            dense = [each for each in dense if each.inputs[0] in self._active]
        return dense[0].inputs[0] if dense and dense[0].inputs[0] in self._maker else None

    def _between_map_and_scores(self) -> list[Operator]:
        return [each for each in self._operators if each.output in self._active - {self._map}]

    def _weights_of_head(self, initializers: Any) -> dict[str, Any]:
        """Return the constants that the head works with, by name."""
        import onnx

        needed = {name for each in self._head for name in each.inputs}
        found = {each.name: each for each in initializers}
        found |= {
            each.output: each.attributes["value"] for each in self._operators if each.kind == "Constant"
        }
        return {name: onnx.numpy_helper.to_array(found[name]) for name in needed & found.keys()}

    def _ancestors(self, name: str) -> set[str]:
        """Return the names of the values that a value is made of, itself among them."""
        found = {name}
        for each in reversed(self._operators):
            if each.output in found:
                found.update(each.inputs)
        return found

    def _descendants(self, name: str) -> set[str]:
        """Return the names of values that are made of a value and make the scores, itself among them."""
        found = {name}
        for each in self._operators:
            if found.intersection(each.inputs) and each.kind not in _NOT_VALUES:
                found.add(each.output)
        return found & self._above


def _operator(node: Any) -> Operator:
    """Return an operator of a graph in plain values."""
    import onnx

    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return Operator(node.op_type, tuple(node.input), node.output[0], attributes)


def _session(model: Any, told: set[str]) -> Any:
    """Load a model so that it tells these values too."""
    import onnx
    import onnxruntime

    outputs = {each.name for each in model.graph.output}
    for name in sorted(told - outputs):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


_held: dict[str, OpenedNetwork] = {}
_lock = threading.Lock()


def opened(path: Path, *, sha256: str) -> OpenedNetwork:
    """Return an opened network, the one opened last without opening it again; its file must be checked."""
    with _lock:
        if sha256 not in _held:
            # One at a time: each holds a network's weights.
            _held.clear()
            _held[sha256] = OpenedNetwork(path)
        return _held[sha256]
