"""The files of a version, form by form: where they lie, whether they are the ones that were registered."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from classifier.models import Export, ModelVersion
from datasets.errors import Refused

KERAS, ONNX = "keras", "onnx"
FORMATS = (KERAS, ONNX, *Export.Format.values)
_SUFFIXES = {KERAS: "keras", ONNX: "onnx", Export.Format.LITERT: "tflite"}
_NAMES = {KERAS: "Keras", ONNX: "ONNX", **dict(Export.Format.choices)}
_REMEMBERED = 256


class NotExported(Refused):
    """Raised where a version has not been made in a form."""

    code = "not_exported"
    status = 404


_Seen = tuple[str, int, int, int]
_hashed: OrderedDict[_Seen, str] = OrderedDict()


@dataclass(frozen=True)
class VersionFile:
    """One form of a version; `parity` is None for Keras, which the others are held against."""

    format: str
    path: Path
    sha256: str
    parity: float | None

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
            return self.path.stat().st_size
        except OSError:
            return None

    @property
    def fault(self) -> str | None:
        """What is wrong with the file, in words; None where it is the one that was registered.

        A file is read once for as long as neither its size nor its time changes.
        """
        try:
            found = _sha256_of(self.path)
        except OSError:
            return f"the {self.name} file is missing"
        return None if found == self.sha256 else f"the {self.name} file is not the one that was registered"


def files_of(version: ModelVersion) -> list[VersionFile]:
    """Return the forms that a version has, Keras first."""
    return [
        VersionFile(KERAS, version.keras_path, version.keras_sha256, None),
        VersionFile(ONNX, version.onnx_path, version.onnx_sha256, version.parity),
        *(
            VersionFile(export.format, version.folder / export.file_name, export.sha256, export.parity)
            for export in version.exports.all()
        ),
    ]


def file_of(version: ModelVersion, file_format: str) -> VersionFile | None:
    """Return one form of a version; None where it has not been made."""
    return next((file for file in files_of(version) if file.format == file_format), None)


def _sha256_of(path: Path) -> str:
    """Return the sha256 of a file, remembered for as long as it stays as it is; raises OSError."""
    with path.open("rb") as file:
        stat = path.stat()
        seen = (str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if seen not in _hashed:
            _hashed[seen] = hashlib.file_digest(file, "sha256").hexdigest()
            while len(_hashed) > _REMEMBERED:
                _hashed.popitem(last=False)
    return _hashed[seen]
