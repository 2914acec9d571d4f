"""Evaluations after labels were corrected: stale, and scored again from what was said."""

import pytest
from django.utils import timezone

from classifier.evaluation import evaluate
from classifier.models import Evaluation, Prediction
from classifier.rescoring import NotStale, changed_since, rescore, timeline
from datasets.labelling import correct_label
from datasets.models import Image, LabelClass, Split
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """Six papers of eight images, four of each of two classes; one of them in test."""
    return split_of(labelled_dataset(slug="panels", per_paper=8), name="fair", ratios="4:1:1")


@pytest.fixture
def first(split: Split) -> Evaluation:
    """An evaluation with one image wrong."""
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=1)
    return evaluate(version, split=split)


def wrong_one(evaluation: Evaluation) -> Image:
    """The image that the version has wrong."""
    said = Prediction.objects.filter(version=evaluation.version, disagrees=True)
    return Image.objects.in_subset(evaluation.split, "test").get(pk__in=said.values("image"))


def say(image: Image, name: str | None, *, excluded: bool = False) -> None:
    """Let a person change a label."""
    image.refresh_from_db()
    correct_label(
        image,
        label=LabelClass.objects.get(dataset=image.dataset, name=name) if name else None,
        excluded=excluded,
        author=UserFactory(),
        expected_version=image.version,
    )


def test_an_evaluation_is_not_stale_while_no_label_changes(first: Evaluation) -> None:
    assert changed_since(first) == 0
    with pytest.raises(NotStale, match="No label of panels/fair test has changed"):
        rescore(first)
    assert Evaluation.objects.count() == 1


def test_a_corrected_label_makes_it_stale_and_the_new_score_counts_it(first: Evaluation) -> None:
    image = wrong_one(first)
    say(image, "FAC" if image.label.name == "BlotGel" else "BlotGel")
    assert changed_since(first) == 1
    ann = UserFactory()
    second = rescore(first, author=ann)
    assert (first.accuracy, second.accuracy) == (7 / 8, 1.0)
    assert second.created_by == ann
    assert changed_since(second) == 0
    first.refresh_from_db()
    assert first.accuracy == 7 / 8
    assert list(timeline(first)) == [first, second]


def test_changes_outside_the_subset_do_not_count(first: Evaluation, split: Split) -> None:
    image = images_in(split, "train")[0]
    say(image, "FAC" if image.label.name == "BlotGel" else "BlotGel")
    assert changed_since(first) == 0


def test_a_label_changed_back_is_no_change(first: Evaluation, split: Split) -> None:
    image = images_in(split, "test")[0]
    before = image.label.name
    say(image, "FAC" if before == "BlotGel" else "BlotGel")
    assert changed_since(first) == 1
    say(image, before)
    assert changed_since(first) == 0


def test_an_excluded_image_leaves_the_new_score(first: Evaluation) -> None:
    image = wrong_one(first)
    say(image, image.label.name, excluded=True)
    assert changed_since(first) == 1
    assert (rescore(first).total, first.total) == (7, 8)


def test_images_that_could_not_be_read_stay_left_out(split: Split) -> None:
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=1)
    lost = images_in(split, "test")[3]
    Prediction.objects.filter(image=lost).delete()
    first = evaluate(version, split=split, unreadable=[lost.pk])
    assert (first.total, first.unreadable) == (7, 1)
    image = wrong_one(first)
    say(image, "FAC" if image.label.name == "BlotGel" else "BlotGel")
    second = rescore(first)
    assert (second.total, second.unreadable, second.accuracy) == (7, 1, 1.0)
    assert second.label_cutoff <= timezone.now()


def test_an_evaluation_keeps_the_intervals_of_its_scores(first: Evaluation) -> None:
    assert first.papers == 1
    assert first.intervals["macro_f1"] is None
    both = evaluate_on_everything(first)
    low, high = both.intervals["accuracy"]
    assert 0 <= low <= both.accuracy <= high <= 1
    assert set(both.intervals["per_class"]) == set(both.classes)


def evaluate_on_everything(first: Evaluation) -> Evaluation:
    """The same version on the subset train, of several papers."""
    predict_all(first.version, images_in(first.split, "train"), wrong=5)
    return evaluate(first.version, split=first.split, subset="train")
