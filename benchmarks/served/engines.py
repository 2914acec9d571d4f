"""Where the benchmark reaches into the product's engines: the one place that knows how they are loaded."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.served.installation import ROOT
from classifier.serving.cache import EngineSpec, get_engine
from classifier.serving.checksums import checksum
from classifier.serving.engine import INT8, Engine

CALIBRATION_IMAGES = 300
UNGATED = "INT8, ungated"


def facts_of(version: Any, spec: EngineSpec) -> dict[str, Any]:
    """Return what a fresh process needs to load a version without a database, as JSON takes it."""
    return {"keras": str(version.keras_path), "spec": {**asdict(spec), "path": str(spec.path)}}


def load(facts: dict[str, Any]) -> Engine:
    """Load an engine as the product does."""
    spec = facts["spec"]
    return get_engine(EngineSpec(**{**spec, "path": Path(spec["path"]), "classes": tuple(spec["classes"])}))


def int8_of(version: Any) -> EngineSpec | None:
    """Return what its engine of INT8 is loaded from; None where it is not offered."""
    from classifier.engines import spec_of

    spec = spec_of(version)
    return spec if spec.precision == INT8 else None


def ungated_int8_of(version: Any, folder: Path, shown: Callable[[], Any]) -> EngineSpec | None:
    """Make INT8 in a folder although its gate failed, for this benchmark alone; None without OpenVINO.

    It is quantised by the program that the product runs, by the images `shown`, (N, size, size, 3) uint8.
    """
    from classifier.engines import float32_of, in_int8, int8_wanted

    if not int8_wanted():
        return None
    made = folder / "model-int8.xml"
    float32 = float32_of(version)
    if not made.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        calibration = made.with_name("calibration.npy")
        np.save(calibration, shown())
        words = ("-m", "classifier.serving.quantising", str(float32.path), str(made), str(calibration))
        subprocess.run((sys.executable, *words), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return in_int8(float32, folder, sha256=checksum(made, made.with_suffix(".bin")))


def fitted(images: Sequence[Path], spec: EngineSpec) -> Any:
    """Return images as the network sees them, (N, size, size, 3) uint8."""
    from classifier.geometry import fit_pixels
    from datasets.decoding import decode

    return np.stack(
        [
            fit_pixels(decode(path.read_bytes()).pixels, size=spec.size, geometry=spec.geometry)
            for path in images
        ]
    )
