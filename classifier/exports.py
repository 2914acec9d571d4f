"""The files of a version, form by form: where they lie, whether they are the ones that were registered."""

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from classifier.models import Export, ModelVersion
from classifier.serving.checksums import checksum
from datasets.errors import Refused

KERAS, ONNX = "keras", "onnx"
FORMATS = (KERAS, ONNX, *Export.Format.values)
_SUFFIXES = {KERAS: "keras", ONNX: "onnx", Export.Format.LITERT: "tflite", Export.Format.INT8: "zip"}
_NAMES = {KERAS: "Keras", ONNX: "ONNX", **dict(Export.Format.choices)}


class NotExported(Refused):
    """Raised where a version has not been made in a form."""

    code = "not_exported"
    status = 404


@dataclass(frozen=True)
class VersionFile:
    """One form of a version; `parity` is None for Keras, which the others are held against, and for INT8.

    `beside` are files that belong to the one at `path`; the checksum is of all, one after the other.
    """

    format: str
    path: Path
    sha256: str
    parity: float | None
    beside: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The form's name, as people write it."""
        return _NAMES[self.format]

    @property
    def suffix(self) -> str:
        """How the names of such files end."""
        return _SUFFIXES[self.format]

    @property
    def byte_size(self) -> int | None:
        """How large the file is; None where it is gone."""
        try:
            return sum(path.stat().st_size for path in (self.path, *self.beside))
        except OSError:
            return None

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open what is given out: the file, or where several belong together a ZIP of them."""
        if not self.beside:
            return self.path.open("rb")
        packed = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 - whoever sends it closes it
        with zipfile.ZipFile(packed, "w") as archive:
            for path in (self.path, *self.beside):
                archive.write(path, path.name)
        packed.seek(0)
        return packed

    @property
    def fault(self) -> str | None:
        """What is wrong with the file, in words; None where it is the one that was registered.

        A file is read once for as long as neither its size nor its time changes.
        """
        try:
            found = checksum(self.path, *self.beside)
        except OSError:
            return f"the {self.name} file is missing"
        return None if found == self.sha256 else f"the {self.name} file is not the one that was registered"


def files_of(version: ModelVersion) -> list[VersionFile]:
    """Return the forms that a version has, Keras first."""
    return [
        VersionFile(KERAS, version.keras_path, version.keras_sha256, None),
        VersionFile(ONNX, version.onnx_path, version.onnx_sha256, version.parity),
        *(
            VersionFile(
                export.format,
                version.folder / export.file_name,
                export.sha256,
                export.parity,
                tuple(version.folder / name for name in export.names_beside),
            )
            for export in version.exports.all()
            if export.offered
        ),
    ]


def file_of(version: ModelVersion, file_format: str) -> VersionFile | None:
    """Return one form of a version; None where it has not been made."""
    return next((file for file in files_of(version) if file.format == file_format), None)
