"""Data out, in the shapes that come in again."""

from datasets.exporting.shapes import Exported, OutputNotEmpty, export_biofors, export_imagefolder

__all__ = ["Exported", "OutputNotEmpty", "export_biofors", "export_imagefolder"]
