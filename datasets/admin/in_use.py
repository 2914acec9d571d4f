"""The dataset in use: named by the address, remembered for the pages that name none."""

from typing import Any

from django.http import HttpRequest

from datasets.models import Dataset
from datasets.queries import find_dataset

PARAMETER = "dataset"
_KEPT = "dataset_in_use"


def dataset_in_use(request: HttpRequest) -> Dataset | None:
    """Return the dataset the address names, else the one used last, else the newest; None without any.

    `UnknownDataset` where the address names one that is not to be seen.
    """
    found: Dataset | None
    if hasattr(request, _KEPT):
        found = getattr(request, _KEPT)
        return found
    if slug := request.GET.get(PARAMETER):
        return use_dataset(request, find_dataset(slug, request.user))
    seen = Dataset.objects.visible_to(request.user)
    found = seen.filter(slug=request.session.get(_KEPT, "")).first() or seen.order_by("-id").first()
    setattr(request, _KEPT, found)
    return found


def use_dataset(request: HttpRequest, dataset: Any) -> Any:
    """Take this dataset for the one in use, here and on the pages that name none; return it."""
    setattr(request, _KEPT, dataset)
    if dataset is not None and request.session.get(_KEPT) != dataset.slug:
        request.session[_KEPT] = dataset.slug
    return dataset
