"""Which labels are most likely wrong: those that a version believes in least, of images it did not learn."""

import pytest

from classifier.suspicion import least_believed
from datasets.models import Image, Subset
from tests.factories import ImageFactory
from tests.factories_models import (
    CLASSES,
    ModelVersionFactory,
    PredictionFactory,
    labelled_dataset,
    predict_all,
    split_of,
)

pytestmark = pytest.mark.django_db


def say(version: object, image: Image, **shares: float) -> None:
    """Let a version give an image these probabilities."""
    probabilities = [shares.get(name, 0.0) for name in CLASSES]
    best = max(shares, key=lambda name: shares[name])
    PredictionFactory(
        version=version, image=image, predicted=best, confidence=shares[best], probabilities=probabilities
    )


def test_the_least_probable_labels_come_first_and_agreement_not_at_all() -> None:
    images = [ImageFactory(label="BlotGel") for _ in range(4)]
    version = ModelVersionFactory()
    say(version, images[0], BlotGel=0.30, FAC=0.70)
    say(version, images[1], BlotGel=0.95, FAC=0.05)
    say(version, images[2], BlotGel=0.02, FAC=0.50, Macroscopy=0.48)
    found, judged = least_believed(Image.objects.all(), version=version, most=9)
    assert found == [(images[2].pk, 0.02), (images[0].pk, 0.30)]
    assert judged == 3
    assert least_believed(Image.objects.all(), version=version, most=1)[0] == found[:1]


def test_what_the_version_was_trained_on_is_left_out() -> None:
    split = split_of(labelled_dataset())
    version = ModelVersionFactory(split=split)
    predict_all(version, split.dataset.images.all(), wrong=99)
    found, judged = least_believed(split.dataset.images.all(), version=version, most=99)
    learnt = set(Image.objects.in_subset(split, Subset.TRAIN).values_list("pk", flat=True))
    assert {pk for pk, _ in found} == set(split.dataset.images.values_list("pk", flat=True)) - learnt
    assert judged == len(found) == 24 - len(learnt)


def test_a_class_that_the_version_does_not_know_gets_no_probability() -> None:
    image = ImageFactory(label="FAC")
    version = ModelVersionFactory(classes=["BlotGel", "Microscopy"])
    PredictionFactory(version=version, image=image, predicted="BlotGel", probabilities=[0.9, 0.1])
    assert least_believed(Image.objects.all(), version=version, most=9)[0] == [(image.pk, 0.0)]


def test_excluded_and_unlabelled_images_are_not_judged() -> None:
    excluded = ImageFactory(label="FAC")
    Image.objects.filter(pk=excluded.pk).update(excluded=True)
    version = ModelVersionFactory()
    for image in (excluded, ImageFactory()):
        say(version, image, BlotGel=1.0)
    assert least_believed(Image.objects.all(), version=version, most=9) == ([], 0)
