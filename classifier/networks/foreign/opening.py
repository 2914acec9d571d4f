"""The limited process that opens a file trained elsewhere: `python -m ... SOURCE FOLDER`.

It loads h5py and NumPy, nothing of Keras, and leaves the weights as plain arrays (`weights.npz`). One line of
JSON on stdout tells of them, or why the file is refused.
"""

import json
import resource
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from classifier.networks.foreign.errors import ForeignRefused, damaged
from classifier.networks.foreign.hdf import Layers, Weights, WeightsFile, parsed
from classifier.networks.foreign.outline import Outline, outline_of

MEMORY = 4 * 2**30
CPU_SECONDS = 240
MOST_WRITTEN = 2 * 2**30
OPEN_FILES = 64
MOST_BYTES = 2 * 2**30
MOST_CONFIG = 16 * 2**20
BLOCK = 2**20
WEIGHTS = "weights.npz"
_INNER = "model.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def opened(source: Path, folder: Path) -> dict[str, Any]:
    """Write a file's weights into a folder, and return what they are; raises ForeignRefused.

    Returns `layers` [{"name", "variables": {name: shape}}], the `outline` of the network where the file has
    one (None otherwise), and whether the layers are `named` and `ordered` as Weights has it.
    """
    try:
        if zipfile.is_zipfile(source) and not _starts_as_hdf5(source):
            inner, stored = _unpacked(source, folder)
        else:
            inner, stored = source, None
        if not _starts_as_hdf5(inner):
            raise ForeignRefused(
                "The file is neither HDF5 (.h5) nor a Keras archive (.keras): nothing of it was read.",
                code="not_a_model_file",
            )
        with h5py.File(inner, "r") as file:
            within = WeightsFile(file)
            stored = stored if stored is not None else within.config()
            weights = within.layers()
    except ForeignRefused:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged("it cannot be read to its end") from error
    outline = outline_of(stored) if stored is not None else None
    if not weights.named and outline is not None:
        weights = _renamed(weights, outline)
    if not weights.layers:
        raise ForeignRefused("The file holds no weights of any layer.", code="no_weights")
    _write(weights.layers, folder / WEIGHTS)
    return {
        "named": weights.named,
        "ordered": weights.ordered,
        "outline": outline,
        "layers": [
            {"name": name, "variables": {each: list(values.shape) for each, values in variables.items()}}
            for name, variables in weights.layers.items()
        ],
    }


def _starts_as_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _unpacked(source: Path, folder: Path) -> tuple[Path, Any]:
    """Unpack the weights of a Keras archive, if they are not too long; return them and its configuration."""
    with zipfile.ZipFile(source) as archive:
        names = set(archive.namelist())
        if _INNER not in names or "config.json" not in names:
            raise ForeignRefused(
                f"The file is a zip, but no Keras model: {_INNER} or config.json is missing in it.",
                code="not_a_model_file",
            )
        with archive.open("config.json") as file:
            text = file.read(MOST_CONFIG + 1)
        if len(text) > MOST_CONFIG:
            raise ForeignRefused("The configuration is longer than any network's.", code="too_large")
        inner, written = folder / _INNER, 0
        # Counted as it comes: what an archive says of its sizes is anybody's word.
        with archive.open(_INNER) as packed, inner.open("wb") as file:
            while block := packed.read(BLOCK):
                written += len(block)
                if written > MOST_BYTES:
                    raise ForeignRefused("The weights unpack to more than 2 GB.", code="too_large")
                file.write(block)
    return inner, parsed(text.decode("utf-8", "replace"))


def _renamed(weights: Weights, outline: Outline) -> Weights:
    """Give weights that lie by class and number the names that the configuration has for those layers."""
    names = {layer["path"]: layer["name"] for layer in outline}
    if not all(names.get(path) for path in weights.layers):
        return weights
    renamed = {names[path]: values for path, values in weights.layers.items()}
    return replace(weights, layers=renamed, named=True) if len(renamed) == len(weights.layers) else weights


def _write(layers: Layers, path: Path) -> None:
    """Write all arrays, `layer.variable` by their numbers."""
    with zipfile.ZipFile(path, "w") as archive:
        for place, variables in enumerate(layers.values()):
            for number, values in enumerate(variables.values()):
                with archive.open(f"{place}.{number}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


def _limit() -> None:
    """Bound what this process may use, before it looks at the file."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_WRITTEN),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def main(source: str, folder: str) -> None:
    """Open the file and tell."""
    _limit()
    try:
        told = opened(Path(source), Path(folder))
    except ForeignRefused as refusal:
        told = {"refused": {"code": refusal.code, "detail": str(refusal)}}
    except MemoryError:
        detail = "Reading the file takes more memory than a network's weights do."
        told = {"refused": {"code": "too_large", "detail": detail}}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
