"""The nouns of curation, a file each."""

from datasets.models.dataset import Dataset
from datasets.models.image import Image
from datasets.models.image_count import ImageCount
from datasets.models.label import Label, LabelBatch
from datasets.models.label_class import LabelClass
from datasets.models.maintenance import Maintenance
from datasets.models.paper import Paper
from datasets.models.queue import Queue, QueueItem
from datasets.models.saved_view import SavedView
from datasets.models.split import Split, SplitMember, Subset

__all__ = [
    "Dataset",
    "Image",
    "ImageCount",
    "Label",
    "LabelBatch",
    "LabelClass",
    "Maintenance",
    "Paper",
    "Queue",
    "QueueItem",
    "SavedView",
    "Split",
    "SplitMember",
    "Subset",
]
