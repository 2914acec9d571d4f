"""Weights out of an HDF5 file that nobody here wrote: numbers only, no links, no filters but the usual."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from classifier.networks.foreign.errors import ForeignRefused, damaged
from classifier.networks.foreign.outline import plain_path
from classifier.networks.foreign.steps import KERNELS, MOMENTS

MOST_VALUES = 256 * 2**20
MOST_ARRAYS = 20_000
MOST_LETTERS = 16 * 2**20
DEEPEST = 24
# Deflate, shuffle, checksum, LZF: any other filter would be code of somebody's.
FILTERS = (1, 2, 3, 32000)
# What layers remember besides weights, and what is no layer.
_NO_WEIGHTS = ("vars", "seed_generator", "generator", "optimizer", "metrics", "loss")
_VARS = re.compile(r"\d{1,3}")
_SUFFIX = re.compile(r":\d+$")

Layers = dict[str, dict[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class Weights:
    """{layer: {variable: values}}; `named`: by the layers' own names, else by where Keras put them, such as
    `functional/conv2d_3`; `ordered`: in the network's order, else only layers of one class are.
    """

    layers: Layers
    named: bool
    ordered: bool


class WeightsFile:
    """An open HDF5 file; what it gives is counted, and more than MOST_VALUES numbers are refused."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self._values = 0
        self._arrays = 0

    def config(self) -> Any:
        """Return the configuration that a whole model of the older format stores; None without one."""
        if "model_config" not in self.file.attrs:
            return None
        return parsed(_text(self.file, "model_config"))

    def layers(self) -> Weights:
        """Return all weights."""
        root = self._child(self.file, "model_weights") if "model_weights" in self.file else self.file
        if (names := _names(root, "layer_names")) is not None:
            return Weights(self._older(root, names), named=True, ordered=True)
        return self._newer()

    def _older(self, root: Any, names: list[str]) -> Layers:
        """Read the format that lists layers and weights by name (.h5)."""
        found: Layers = {}
        for layer in names:
            group = self._child(root, layer)
            for weight in _names(group, "weight_names") or []:
                *way, variable = weight.split("/")
                where = group
                for part in (*way, variable):
                    where = self._child(where, part)
                variables = found.setdefault(way[-1] if way else layer, {})
                variable = _SUFFIX.sub("", variable)
                if variable in variables:
                    raise ForeignRefused(
                        f"Two weights are called {'/'.join([*way[-1:], variable])}: which is which cannot be "
                        "told.",
                        code="ambiguous_layers",
                    )
                if variable != "seed_generator_state":
                    variables[variable] = self._values_of(where, weight)
        return {name: variables for name, variables in found.items() if variables}

    def _newer(self) -> Weights:
        """Read the format that numbers the layers of each class (.keras, .weights.h5)."""
        own: Layers = {}
        placed: Layers = {}
        all_named = True
        for path, group in self._layer_groups(self.file, "", depth=0):
            numbers = sorted((name for name in group if _VARS.fullmatch(name)), key=int)
            if not numbers:
                continue
            values = {number: self._values_of(self._child(group, number), path) for number in numbers}
            name = _text(group, "name") if "name" in group.attrs else ""
            all_named = all_named and bool(name) and name not in own
            own[name] = placed[plain_path(path)] = _called(values, name or path)
        return Weights(own if all_named else placed, named=all_named, ordered=False)

    def _layer_groups(self, group: Any, path: str, *, depth: int) -> Iterator[tuple[str, Any]]:
        """Yield (path, group of numbered weights) of each layer, `conv2d_2` before `conv2d_10`."""
        if depth > DEEPEST:
            raise ForeignRefused(f"Groups lie more than {DEEPEST} deep in one another.", code="too_large")
        for name in sorted(group, key=_natural):
            if name in _NO_WEIGHTS and name != "vars":
                continue
            child = self._child(group, name)
            if not isinstance(child, h5py.Group):
                continue
            if name == "vars":
                yield path, child
            else:
                yield from self._layer_groups(child, f"{path}/{name}" if path else name, depth=depth + 1)

    def _child(self, group: Any, name: str) -> Any:
        """Return what lies in a group under a name; links to elsewhere are not followed."""
        self._arrays += 1
        if self._arrays > 4 * MOST_ARRAYS:
            raise ForeignRefused("The file holds more parts than any network here has.", code="too_large")
        link = group.get(name, getlink=True) if isinstance(group, h5py.Group) and name in group else None
        if link is None:
            raise damaged(f"{name[:80]!r} is listed, but not there")
        if not isinstance(link, h5py.HardLink):
            raise ForeignRefused(
                f"{name[:80]!r} is a link to elsewhere, which is not followed.", code="linked_weights"
            )
        return group[name]

    def _values_of(self, dataset: Any, name: str) -> NDArray[np.float32]:
        """Read one array; what it declares is checked before any of it is read."""
        if not isinstance(dataset, h5py.Dataset):
            raise damaged(f"{name[:200]} is no array")
        if dataset.is_virtual or dataset.external:
            raise ForeignRefused(f"The values of {name[:200]} lie in another file.", code="linked_weights")
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8) or dataset.shape is None:
            raise ForeignRefused(
                f"{name[:200]} holds {dataset.dtype}, not numbers with a fraction of 16, 32 or 64 bits.",
                code="bad_dtype",
            )
        self._values += max(int(dataset.size), int(np.prod(dataset.chunks or (0,), dtype=object)))
        if self._values > MOST_VALUES:
            raise ForeignRefused(
                f"The file declares more than {MOST_VALUES:,} weights: no network here has as many.",
                code="too_large",
            )
        made = dataset.id.get_create_plist()
        if any(made.get_filter(place)[0] not in FILTERS for place in range(made.get_nfilters())):
            raise ForeignRefused(f"{name[:200]} is packed in an unusual way.", code="unsupported_filter")
        with np.errstate(over="ignore"):
            values: NDArray[np.float32] = np.asarray(dataset[()], dtype=np.float32)
        if not np.isfinite(values).all():
            raise ForeignRefused(
                f"{name[:200]} holds values that are no finite numbers: the network was broken when it was "
                "saved.",
                code="not_finite",
            )
        return values


def _called(values: dict[str, NDArray[np.float32]], layer: str) -> dict[str, NDArray[np.float32]]:
    """Give numbered variables of a layer the names that they have in the older format."""
    for names, has_kernel in ((KERNELS, True), (MOMENTS, False)):
        of_kind = "0" in values and (values["0"].ndim > 1) == has_kernel
        in_full = len(values) == len(names) or (has_kernel and len(values) == 1)
        if of_kind and in_full and list(values) == [str(number) for number in range(len(values))]:
            return dict(zip(names, values.values(), strict=False))
    raise ForeignRefused(
        f"The layer {layer[:200]} has {len(values)} arrays of weights, as no convolution, dense layer or "
        "batch normalisation has: it cannot be rebuilt here.",
        code="unsupported_layer",
    )


def parsed(text: str) -> Any:
    """Return what a JSON text says; ForeignRefused where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged("its configuration is no JSON") from error


def _names(group: Any, attribute: str) -> list[str] | None:
    """Return the texts that an attribute lists, which long lists spread over several; None without it."""
    if attribute in group.attrs:
        return _listed(group, attribute)
    if f"{attribute}0" not in group.attrs:
        return None
    found: list[str] = []
    for number in range(MOST_ARRAYS):
        if f"{attribute}{number}" not in group.attrs:
            break
        found += _listed(group, f"{attribute}{number}")
    return found


def _listed(group: Any, attribute: str) -> list[str]:
    """Return the texts of one attribute; a list of none is kept as nothing at all."""
    count = _checked_count(group, attribute)
    return [_decoded(each) for each in np.asarray(group.attrs[attribute]).ravel()] if count else []


def _text(group: Any, attribute: str) -> str:
    """Return the text of an attribute."""
    _checked_count(group, attribute)
    return _decoded(group.attrs[attribute])


def _checked_count(group: Any, attribute: str) -> int:
    """Return how many texts an attribute declares; ForeignRefused where they are more than any network's."""
    stored = group.attrs.get_id(attribute)
    count = int(np.prod(stored.shape or (0,) if stored.shape != () else (1,), dtype=object))
    if count > MOST_ARRAYS or count * stored.dtype.itemsize > MOST_LETTERS:
        raise ForeignRefused("The file holds more, or longer, names than any network.", code="too_large")
    return count


def _decoded(text: Any) -> str:
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    if not isinstance(text, str) or len(text) > MOST_LETTERS:
        raise damaged("a name in it is no text")
    return text


def _natural(name: str) -> tuple[str, int]:
    """Return what sorts `conv2d` before `conv2d_2` before `conv2d_10`."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdecimal() and len(number) < 9 else (name, 0)
