"""Which engine answers for a version: INT8 where that was measured and offered, else float32."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from classifier.models import ModelVersion
from classifier.quantisation import files_of_int8
from classifier.serving.cache import EngineSpec, get_engine
from classifier.serving.engine import (
    INT8,
    ArtefactMissing,
    ArtefactUnreadable,
    Engine,
    runtime_here,
)
from classifier.serving.openvino import OpenVino
from classifier.serving.processor import sums_in_32_bits
from datasets.errors import Refused


class ModelUnusable(Refused):
    """Raised where the files of a version are missing or damaged."""

    code = "artefact_missing"
    status = 503


def engine_of(version: ModelVersion) -> Engine:
    """Return the loaded engine of a version; raises ModelUnusable."""
    try:
        return get_engine(spec_of(version))
    except (ArtefactMissing, ArtefactUnreadable) as error:
        raise ModelUnusable(f"{version}: {error}", code=error.code) from error


def spec_of(version: ModelVersion) -> EngineSpec:
    """Return what the engine of a version is loaded from."""
    spec = float32_of(version)
    int8 = version.int8 if int8_wanted() else None
    if int8 is not None and int8.offered and (sums_in_32_bits() or not int8.full_range):
        return in_int8(spec, version.folder, sha256=int8.sha256)
    return spec


def float32_of(version: ModelVersion) -> EngineSpec:
    """Return what a version's engine in float32 is loaded from."""
    return engine_spec(
        version.onnx_path,
        sha256=version.onnx_sha256,
        classes=version.classes,
        size=version.input_size,
        geometry=version.geometry,
    )


def in_int8(float32: EngineSpec, folder: Path, *, sha256: str) -> EngineSpec:
    """Return the same in INT8, from its files in a folder."""
    network, _ = files_of_int8(folder)
    return replace(float32, path=network, sha256=sha256, precision=INT8)


def engine_spec(path: Path, *, sha256: str, classes: Sequence[str], size: int, geometry: str) -> EngineSpec:
    """Return what an engine in float32 is loaded from, with what this installation gives it."""
    return EngineSpec(
        path=path,
        sha256=sha256,
        classes=tuple(classes),
        size=size,
        geometry=geometry,
        runtime=settings.ENGINE,
        threads=settings.ENGINE_THREADS,
        streams=settings.ENGINE_STREAMS,
    )


def engine_from(path: Path, *, sha256: str, classes: Sequence[str], size: int, geometry: str) -> Engine:
    """Return the engine of a version's file; raises ArtefactMissing, ArtefactUnreadable."""
    return get_engine(engine_spec(path, sha256=sha256, classes=classes, size=size, geometry=geometry))


def int8_wanted() -> bool:
    """Whether INT8 is made and answers in this installation: it may be turned off, and takes OpenVINO."""
    return bool(settings.INT8) and (settings.ENGINE or runtime_here()) == OpenVino.name
