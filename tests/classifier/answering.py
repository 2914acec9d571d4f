"""A version that is too sure of itself on a split, to test calibration with."""

import numpy as np

from classifier.models import ModelVersion, Prediction
from datasets.models import Image, Split
from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of

CLASSES = ("BlotGel", "FAC", "Microscopy")


def sure_version(*, slug: str = "panels", papers: int = 24, per_paper: int = 6) -> ModelVersion:
    """A version with predictions of val and test of its own split: right in some 3 of 4, sure of 9 in 10."""
    dataset = labelled_dataset(slug=slug, papers=papers, per_paper=per_paper, classes=CLASSES)
    split = split_of(dataset, ratios="1:2:2")
    version = ModelVersionFactory(split=split)
    answer(version, split)
    return version


def answer(version: ModelVersion, split: Split, *, subsets: tuple[str, ...] = ("val", "test")) -> None:
    """Let a version say something of every image of these subsets; the same at each call."""
    generator = np.random.default_rng(1)
    images = Image.objects.filter(memberships__split=split, memberships__subset__in=subsets)
    made = []
    for image in images.select_related("label").order_by("pk"):
        assert image.label
        logits = generator.normal(0, 1.0, size=len(version.classes))
        logits[version.classes.index(image.label.name)] += 1.5
        shares = np.exp(8 * logits) / np.exp(8 * logits).sum()
        prediction = Prediction(
            version=version,
            image=image,
            predicted=version.classes[int(shares.argmax())],
            confidence=float(shares.max()),
            probabilities=[round(float(share), 7) for share in shares],
        )
        prediction.measure_uncertainty()
        made.append(prediction)
    Prediction.objects.bulk_create(made)
