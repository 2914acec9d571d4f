"""Counts for a page of datasets in one query, however many they are."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Sum

from datasets.models import Dataset, Image, ImageCount


def counts_of(datasets: Iterable[Dataset], user: Any) -> dict[int, dict[str, Any]]:
    """Count the images that a person may see.

    By dataset id: `classes` {class id: labelled images}, `states` {state or total: images}.
    """
    ids = [dataset.pk for dataset in datasets]
    counts: dict[int, dict[str, Any]] = {
        pk: {"classes": Counter(), "states": {**dict.fromkeys(Image.State.values, 0), "total": 0}}
        for pk in ids
    }
    kept = ImageCount.objects.visible_to(user).filter(dataset__in=ids)
    for dataset, label, excluded, found in (
        kept.values_list("dataset", "label", "excluded").annotate(Sum("count")).order_by()
    ):
        state = Image(label_id=label, excluded=excluded).state
        counts[dataset]["states"][state] += found
        counts[dataset]["states"]["total"] += found
        if state == Image.State.LABELLED:
            counts[dataset]["classes"][label] += found
    return counts
