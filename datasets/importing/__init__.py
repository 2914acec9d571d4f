"""Images and labels from outside: read, check, store, in batches."""

from datasets.importing.archives import import_archive
from datasets.importing.sources import import_biofors, import_folder
from datasets.importing.storing import DatasetGone
from datasets.importing.summary import Entry, ImportRefused, ImportSummary
from datasets.importing.uploads import NameTaken, store_image

__all__ = [
    "DatasetGone",
    "Entry",
    "ImportRefused",
    "ImportSummary",
    "NameTaken",
    "import_archive",
    "import_biofors",
    "import_folder",
    "store_image",
]
