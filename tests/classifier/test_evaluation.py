"""Predictions beside labels, and scores by the labels of a moment."""

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from classifier.engines import ModelUnusable
from classifier.evaluation import (
    EvaluationIncomplete,
    evaluate,
    evaluated_images,
    labelled_in,
)
from classifier.models import Prediction
from classifier.predicting import PredictingStopped, predict_missing
from datasets.errors import Refused
from datasets.labelling import correct_label
from datasets.models import Image, LabelClass, Split
from datasets.store import path_of
from tests.factories import ImageFactory, PaperFactory, UserFactory
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of a small dataset."""
    return split_of(labelled_dataset())


def relabel(image: Image, name: str) -> None:
    """Let a person say another class."""
    correct_label(
        image,
        label=LabelClass.objects.get(dataset=image.dataset, name=name),
        excluded=False,
        author=UserFactory(),
        expected_version=image.version,
    )


def test_predictions_are_made_once_and_change_no_label(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    images = Image.objects.filter(dataset=split.dataset)
    labels = list(images.values_list("label", "version"))
    told: list[tuple[int, int]] = []
    first = predict_missing(version, images, progress=lambda done, total: told.append((done, total)))
    again = predict_missing(version, images)
    assert (first.new, first.known) == (24, 0)
    assert (again.new, again.known) == (0, 24)
    assert told[-1] == (24, 24)
    assert list(images.values_list("label", "version")) == labels
    one = Prediction.objects.first()
    assert one is not None
    assert sum(one.probabilities) == pytest.approx(1, abs=1e-5)
    assert one.confidence == pytest.approx(max(one.probabilities), abs=1e-6)
    assert version.classes[int(np.argmax(one.probabilities))] == one.predicted


def test_an_image_that_cannot_be_read_is_listed_and_stops_nothing(split: Split) -> None:
    gone, broken = split.dataset.images.all()[:2]
    path_of(gone.sha256).unlink()
    path_of(broken.sha256).write_bytes(b"no image")
    outcome = predict_missing(ModelVersionFactory(answers=True), split.dataset.images.all())
    assert outcome.new == 22
    assert {failure["image"]: failure["code"] for failure in outcome.failures} == {
        gone.pk: "bytes_missing",
        broken.pk: "format_not_allowed",
    }
    assert str(gone) in outcome.failures[0]["file"]


def test_predicting_stops_when_asked_and_keeps_what_it_has(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    with pytest.raises(PredictingStopped):
        predict_missing(version, split.dataset.images.all(), should_stop=lambda: True)
    assert Prediction.objects.exists()


@pytest.mark.parametrize("damage", ["missing", "other"])
def test_a_version_whose_file_is_damaged_says_so(split: Split, damage: str) -> None:
    version = ModelVersionFactory(answers=True)
    if damage == "missing":
        version.onnx_path.unlink()
    else:
        version.onnx_path.write_bytes(b"other")
    with pytest.raises(ModelUnusable, match=str(version)):
        predict_missing(version, split.dataset.images.all())


def test_an_evaluation_counts_each_image_in_its_cell(split: Split) -> None:
    version = ModelVersionFactory()
    predict_all(version, labelled_in(split, "test"), wrong=1)
    scored = evaluate(version, split=split, subset="test")
    total = split.counts["images"]["test"]
    assert scored.total == total == sum(sum(row) for row in scored.matrix)
    assert scored.accuracy == pytest.approx((total - 1) / total)
    assert scored.classes == version.classes
    assert [each["name"] for each in scored.per_class] == version.classes
    # Three classes have no image: their rows are empty and they do not count in the mean.
    assert scored.per_class[1]["f1"] is None
    assert sum(scored.matrix[1]) == 0


def test_without_all_predictions_an_evaluation_is_refused(split: Split) -> None:
    version = ModelVersionFactory()
    with pytest.raises(EvaluationIncomplete, match=f"evaluate {version} --split {split} --subset test"):
        evaluate(version, split=split)


def test_images_that_cannot_be_read_are_left_out_and_counted(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    gone = labelled_in(split, "test").first()
    path_of(gone.sha256).unlink()
    outcome = predict_missing(version, labelled_in(split, "test"))
    scored = evaluate(version, split=split, unreadable=outcome.unreadable)
    assert scored.unreadable == 1
    assert scored.total == split.counts["images"]["test"] - 1


def test_a_relabelled_image_stays_in_the_cell_it_was_scored_in(split: Split) -> None:
    version = ModelVersionFactory()
    predict_all(version, labelled_in(split, "test"), wrong=1)
    scored = evaluate(version, split=split, cutoff=timezone.now())
    wrong = next(image for image in evaluated_images(scored) if image.label_then != image.predicted)
    cell = {"actual": wrong.label_then, "predicted": wrong.predicted}
    relabel(wrong, wrong.predicted)
    assert [image.pk for image in evaluated_images(scored, **cell)] == [wrong.pk]
    assert evaluated_images(scored, **cell).get().label.name == wrong.predicted
    assert evaluated_images(scored).count() == scored.total
    assert evaluate(version, split=split).accuracy == 1.0


def test_a_cell_lists_as_many_images_as_it_counts(split: Split) -> None:
    version = ModelVersionFactory()
    predict_all(version, labelled_in(split, "test"), wrong=2)
    scored = evaluate(version, split=split)
    for row, actual in zip(scored.matrix, scored.classes, strict=True):
        for count, predicted in zip(row, scored.classes, strict=True):
            assert evaluated_images(scored, actual=actual, predicted=predicted).count() == count


def test_what_cannot_be_evaluated_is_refused_with_a_code(split: Split) -> None:
    version = ModelVersionFactory()
    empty = split_of(split.dataset, name="empty", ratios="1:1:0")
    split.dataset.classes.filter(name="FAC").update(name="Flow")
    other = split_of(labelled_dataset(), name="other", ratios="1:0:1")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"split": split, "subset": "everything"}, "bad_subset"),
        ({"split": split}, "other_classes"),
        ({"split": empty}, "other_classes"),
        ({"split": other, "subset": "val"}, "empty_subset"),
    ]
    for arguments, code in cases:
        with pytest.raises(Refused) as refusal:
            evaluate(version, **arguments)
        assert refusal.value.code == code


def test_excluded_and_unlabelled_images_are_not_scored(split: Split) -> None:
    version = ModelVersionFactory()
    image = labelled_in(split, "test").first()
    correct_label(image, label=None, excluded=True, author=UserFactory(), expected_version=image.version)
    predict_all(version, labelled_in(split, "test"))
    ImageFactory(paper=PaperFactory(dataset=split.dataset))
    assert evaluate(version, split=split).total == split.counts["images"]["test"] - 1
