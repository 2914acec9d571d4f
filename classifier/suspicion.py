"""Which labels are most likely wrong, by how little a version believes in them."""

import heapq

from django.db.models import Exists, OuterRef, QuerySet

from classifier.models import ModelVersion, Prediction
from datasets.models import Image, SplitMember, Subset


def out_of_sample(images: "QuerySet[Image]", version: ModelVersion) -> "QuerySet[Image]":
    """Leave out what the version was trained on: of that it only repeats the labels."""
    if version.split_id is None:
        return images
    learnt = SplitMember.objects.filter(split=version.split_id, subset=Subset.TRAIN, image=OuterRef("pk"))
    return images.filter(~Exists(learnt))


def least_believed(
    images: "QuerySet[Image]", *, version: ModelVersion, most: int
) -> tuple[list[tuple[int, float]], int]:
    """Return (image id, probability of its label), least first, and how many images could be judged.

    Judged are labelled images that the version predicted and was not trained on; returned are those whose
    label is not its prediction. The probability of the given label, 0 to 1, is the "self-confidence" of
    C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning", JAIR 70 (2021).
    """
    judged = out_of_sample(images.labelled(), version)  # type: ignore[attr-defined]
    said = Prediction.objects.filter(version=version, image__in=judged.order_by().values("pk"))
    place = {name: position for position, name in enumerate(version.classes)}
    columns = said.filter(disagrees=True).values_list("image", "image__label__name", "probabilities")
    # A class that the version does not know gets no probability from it.
    doubts = (
        (probabilities[place[label]] if label in place else 0.0, image)
        for image, label, probabilities in columns.order_by().iterator(chunk_size=5000)
    )
    least = heapq.nsmallest(most, doubts)
    return [(image, probability) for probability, image in least], said.count()
