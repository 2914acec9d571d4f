"""Data out, in the shapes that come in again."""

from datasets.exporting.shapes import (
    Exported,
    class_folders,
    export_biofors,
    export_imagefolder,
    original_of,
)
from datasets.new_folder import OutputNotEmpty

__all__ = [
    "Exported",
    "OutputNotEmpty",
    "class_folders",
    "export_biofors",
    "export_imagefolder",
    "original_of",
]
