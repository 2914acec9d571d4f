"""Parts of an evaluation: sizes, shapes, sources, papers."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from classifier.answers import NOTHING, Truths, predicted_by, probabilities_by, truths_of
from classifier.slices import facts_of, slice_of, slices, worst_papers
from datasets.labelling import correct_label
from datasets.models import Image, Paper, Split
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """Ten papers of four images in test."""
    return split_of(labelled_dataset(slug="panels", papers=12), name="fair", ratios="1:1:10")


@pytest.fixture
def truths(split: Split) -> Truths:
    """The labelled images of test."""
    return truths_of(split, "test", timezone.now(), classes=("BlotGel", "FAC", "Microscopy"))


def test_answers_stand_in_the_order_of_the_images(split: Split, truths: Truths) -> None:
    version = ModelVersionFactory()
    predict_all(version, images_in(split, "test"), wrong=1)
    version.predictions.filter(image=truths.images[5]).delete()
    said = predicted_by(version, truths)
    assert said[0] != truths.actual[0]
    assert said[5] == NOTHING
    others = np.delete(np.arange(40), [0, 5])
    assert (said[others] == truths.actual[others]).all()
    probabilities = probabilities_by(version, truths)
    assert np.isnan(probabilities[5]).all()
    assert (probabilities[others].argmax(axis=1) == said[others]).all()


def test_parts_add_up_to_the_whole(split: Split, truths: Truths) -> None:
    said = truths.actual.copy()
    said[:6] = (said[:6] + 1) % 3
    parts = dict(slices(truths, said, facts_of(truths, now=timezone.now())))
    for rows in parts.values():
        assert sum(row.images for row in rows) == 40
        assert sum(row.wrong for row in rows) == 6
    assert [row.name for row in parts["Labelled"]] == ["in the last 7 days"]


def test_labels_of_people_and_older_ones_are_told_apart(split: Split, truths: Truths) -> None:
    image = images_in(split, "test")[0]
    other = image.dataset.classes.exclude(pk=image.label_id)[0]
    correct_label(image, label=other, excluded=False, author=UserFactory(), expected_version=image.version)
    later = timezone.now() + timedelta(days=20)
    parts = dict(slices(truths, truths.actual, facts_of(truths, now=later)))
    assert [row.name for row in parts["Labelled"]] == ["in the last 30 days"]
    by_source = {row.name: row.images for row in parts["Source of the label"]}
    assert sum(by_source.values()) == 40
    assert by_source["Person"] == 1


def test_a_part_of_one_paper_has_no_interval(truths: Truths) -> None:
    one = slice_of(truths, truths.actual, truths.papers == truths.papers[0], name="one")
    assert (one.images, one.papers, one.interval) == (4, 1, None)
    both = slice_of(truths, truths.actual, np.isin(truths.papers, truths.papers[[0, -1]]), name="two")
    assert both.interval == (1.0, 1.0)


def test_the_surely_bad_papers_come_first(truths: Truths) -> None:
    said = truths.actual.copy()
    said[0:4] = (said[0:4] + 1) % 3
    said[4:6] = (said[4:6] + 1) % 3
    names = dict(Paper.objects.values_list("pk", "identifier"))
    worst = worst_papers(truths, said, names=names, most=5)
    images = {pk: names[paper] for pk, paper in Image.objects.values_list("pk", "paper_id")}
    assert [(each.identifier, each.wrong) for each in worst] == [
        (images[int(truths.images[0])], 4),
        (images[int(truths.images[4])], 2),
    ]
    assert worst[0].interval[1] < worst[1].interval[1]
