"""Data out, in the shapes that come in again."""

from datasets.exporting.shapes import Exported, export_biofors, export_imagefolder
from datasets.new_folder import OutputNotEmpty

__all__ = ["Exported", "OutputNotEmpty", "export_biofors", "export_imagefolder"]
