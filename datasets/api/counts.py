"""Counts for a page of datasets in two queries, however many they are."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q

from datasets.models import Dataset, Image


def counts_of(datasets: Iterable[Dataset], user: Any) -> dict[int, dict[str, Any]]:
    """Count the images that a person may see.

    By dataset id: `classes` {class id: labelled images}, `states` {state or total: images}.
    """
    ids = [dataset.pk for dataset in datasets]
    images = Image.objects.visible_to(user).filter(dataset__in=ids).order_by()
    counts: dict[int, dict[str, Any]] = {
        pk: {"classes": {}, "states": {"labelled": 0, "unlabelled": 0, "excluded": 0, "total": 0}}
        for pk in ids
    }
    for dataset, label, count in (
        images.labelled().values_list("dataset", "label").annotate(count=Count("pk"))
    ):
        counts[dataset]["classes"][label] = count
    for row in images.values("dataset").annotate(
        labelled=Count("pk", filter=Q(label__isnull=False, excluded=False)),
        unlabelled=Count("pk", filter=Q(label__isnull=True, excluded=False)),
        excluded_count=Count("pk", filter=Q(excluded=True)),
        total=Count("pk"),
    ):
        counts[row["dataset"]]["states"] = {
            "labelled": row["labelled"],
            "unlabelled": row["unlabelled"],
            "excluded": row["excluded_count"],
            "total": row["total"],
        }
    return counts
