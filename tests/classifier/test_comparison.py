"""Versions side by side on the same images."""

import pytest

from classifier.cautions import TrainedOnTest
from classifier.comparison import compare
from classifier.evaluation import EvaluationIncomplete, labelled_in
from classifier.models import Prediction
from classifier.statistics.testing import holm
from datasets.errors import Refused
from datasets.models import Split
from datasets.splitting import make_split
from tests.factories_models import CLASSES, ModelVersionFactory, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of a small dataset."""
    return split_of(labelled_dataset())


def test_images_fixed_and_broken_are_named(split: Split) -> None:
    worse, better = ModelVersionFactory(), ModelVersionFactory()
    images = labelled_in(split, "test")
    predict_all(worse, images, wrong=3)
    predict_all(better, images)
    last = images.order_by("pk").last()
    Prediction.objects.filter(version=better, image=last).update(predicted="FAC")
    found = compare([worse, better], split=split).as_dict()
    assert found["fixed"] == list(images.order_by("pk").values_list("pk", flat=True)[:3])
    assert found["broken"] == [last.pk]
    (pair,) = found["paired"]
    assert (pair["a"], pair["b"]) == (worse.pk, better.pk)
    assert (pair["only_a_right"], pair["only_b_right"]) == (1, 3)
    assert pair["p_value"] == pytest.approx(0.625)


def test_the_difference_is_the_second_matrix_less_the_first(split: Split) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    predict_all(first, labelled_in(split, "test"), wrong=1)
    predict_all(second, labelled_in(split, "test"))
    found = compare([first, second], split=split).as_dict()
    one, two = (model["matrix"] for model in found["models"])
    assert found["difference"] == [
        [b - a for a, b in zip(*rows, strict=True)] for rows in zip(one, two, strict=True)
    ]
    assert sum(map(sum, found["difference"])) == 0
    assert sorted(number for row in found["difference"] for number in row if number) == [-1, 1]


def test_versions_with_their_classes_in_another_order_compare(split: Split) -> None:
    first = ModelVersionFactory()
    second = ModelVersionFactory(classes=list(reversed(CLASSES)))
    for version in (first, second):
        predict_all(version, labelled_in(split, "test"))
    found = compare([first, second], split=split).as_dict()
    assert found["classes"] == CLASSES
    assert found["models"][0]["matrix"] == found["models"][1]["matrix"]


def test_the_version_that_lacks_predictions_is_named(split: Split) -> None:
    done, behind = ModelVersionFactory(), ModelVersionFactory()
    predict_all(done, labelled_in(split, "test"))
    with pytest.raises(EvaluationIncomplete, match=rf"{behind} lacks 4\. Evaluate {behind} there") as refusal:
        compare([done, behind], split=split)
    assert refusal.value.code == "not_evaluated"
    predict_all(behind, labelled_in(split, "test"))
    Prediction.objects.of(behind).filter(image__memberships__split=split).first().delete()
    with pytest.raises(EvaluationIncomplete, match=rf"{behind} lacks 1\."):
        compare([done, behind], split=split)


def test_images_that_none_could_read_are_left_out_of_both(split: Split) -> None:
    versions = [ModelVersionFactory(), ModelVersionFactory()]
    for version in versions:
        predict_all(version, labelled_in(split, "test"))
    Prediction.objects.filter(image=labelled_in(split, "test").first()).delete()
    found = compare(versions, split=split)
    assert (found.total, found.left_out) == (3, 1)


def test_each_later_version_is_set_against_the_first(split: Split) -> None:
    versions = [ModelVersionFactory() for _ in range(3)]
    for wrong, version in enumerate(versions):
        predict_all(version, labelled_in(split, "test"), wrong=wrong)
    paired = compare(versions, split=split).paired
    assert [(pair.a, pair.b, len(pair.broken)) for pair in paired] == [
        (versions[0].pk, versions[1].pk, 1),
        (versions[0].pk, versions[2].pk, 2),
    ]


def test_what_cannot_be_compared_is_refused_with_a_code(split: Split) -> None:
    one, two = ModelVersionFactory(), ModelVersionFactory()
    other = ModelVersionFactory(classes=[*CLASSES, "Flow"])
    cases = [
        ([one], "too_few_models"),
        ([one, one], "too_few_models"),
        ([one, two, one], "same_model_twice"),
        ([one, other], "other_classes"),
        ([ModelVersionFactory() for _ in range(9)], "too_many_models"),
    ]
    for versions, code in cases:
        with pytest.raises(Refused) as refusal:
            compare(versions, split=split)
        assert refusal.value.code == code


def test_versions_that_have_seen_the_papers_of_a_subset_are_refused_and_named(split: Split) -> None:
    """A second split of the same papers puts in test what the other had in train."""
    papers = "image__paper__identifier"
    tested = set(split.members.filter(subset="test").values_list(papers, flat=True))
    others = (make_split(split.dataset, name=f"o{seed}", ratios="4:1:1", seed=seed) for seed in range(20))
    other = next(
        each
        for each in others
        if tested <= set(each.members.filter(subset="train").values_list(papers, flat=True))
    )
    fair, seen = ModelVersionFactory(split=split), ModelVersionFactory(split=other)
    for version in (fair, seen):
        predict_all(version, labelled_in(split, "test"))
    with pytest.raises(TrainedOnTest, match=rf"{seen} has seen \d+ of the 4") as refusal:
        compare([fair, seen], split=split)
    assert str(fair) not in str(refusal.value)
    assert all(name in str(refusal.value) for name in tested)
    assert compare([fair, seen], split=split, despite_leaks=True).cautions


def test_differences_have_intervals_over_papers_and_tests_are_raised_by_holm() -> None:
    split = split_of(labelled_dataset(papers=12), name="wide", ratios="1:1:10")
    versions = [ModelVersionFactory() for _ in range(3)]
    for version, wrong in zip(versions, (6, 4, 0), strict=True):
        predict_all(version, labelled_in(split, "test"), wrong=wrong)
    found = compare(versions, split=split)
    assert found.papers == 10
    first, second = found.paired
    assert first.p_value <= first.holm_p_value
    assert holm([first.p_value, second.p_value]) == [first.holm_p_value, second.holm_p_value]
    accuracy = second.change("accuracy")
    assert accuracy.difference == pytest.approx(6 / 40)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low <= 6 / 40 <= accuracy.high
    assert accuracy.level == pytest.approx(0.975)
    assert second.change("f1", "BlotGel").level == pytest.approx(1 - 0.05 / (2 * len(CLASSES)))
    # No image of this class, so nothing to subtract.
    assert second.change("f1", "FAC").difference is None
    assert second.agreement == pytest.approx(34 / 40)
