"""Where the benchmark reaches into the product's engines: the one place that knows how they are loaded."""

from pathlib import Path
from typing import Any

from classifier.serving.cache import EngineSpec, get_engine
from classifier.serving.engine import Engine


def facts_of(version: Any) -> dict[str, Any]:
    """Return what a fresh process needs to load a version without a database."""
    return {
        "keras": str(version.keras_path),
        "onnx": str(version.onnx_path),
        "sha256": version.onnx_sha256,
        "classes": version.classes,
        "size": version.input_size,
        "geometry": version.geometry,
    }


def load(facts: dict[str, Any]) -> Engine:
    """Load the engine that the product would, INT8 where the version has it and BIOFORS_INT8 is not 0."""
    return get_engine(
        EngineSpec(
            path=Path(facts["onnx"]),
            sha256=facts["sha256"],
            classes=tuple(facts["classes"]),
            size=facts["size"],
            geometry=facts["geometry"],
        )
    )


def quantised_ungated(version: Any, folder: Path) -> Path | None:
    """Return a file of INT8 made for this benchmark alone, whatever its gate says; None where there is none.

    Where quantising comes to the product, it is called here, with a folder of the benchmark's own.
    """
    return None


def load_ungated(facts: dict[str, Any]) -> Engine:
    """Load the file that `quantised_ungated` made."""
    raise NotImplementedError("Nothing makes a file of INT8 yet.")
