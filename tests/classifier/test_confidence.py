"""How far a confidence can be believed, and other shares of classes: from stored predictions, over REST."""

from collections.abc import Callable

import numpy as np
import pytest
from rest_framework.test import APIClient
from sklearn.metrics import confusion_matrix, f1_score

from classifier.abstaining import set_threshold
from classifier.calibrating import calibrate, temperature_of
from classifier.confidence import judge_confidence
from classifier.models import Calibration, ModelVersion, Prediction, Threshold
from classifier.priors import BadShares, correct_priors, learnt_shares, preset_shares
from classifier.statistics.calibration import tempered
from tests.classifier.answering import CLASSES, sure_version
from tests.factories_models import ModelVersionFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def version() -> ModelVersion:
    """A version that is too sure."""
    return sure_version()


def test_calibrated_probabilities_are_nearer_to_the_truth_on_test(version: ModelVersion) -> None:
    assert version.split
    before = judge_confidence(version, split=version.split)
    assert before.after is None
    calibrate(version, split=version.split)
    after = judge_confidence(version, split=version.split).after
    assert after
    assert after.nll < before.before.nll
    assert after.brier < before.before.brier
    interval = before.before.error.interval
    assert interval.low <= before.before.error.error <= interval.high


def test_a_threshold_for_a_risk_holds_on_the_images_it_was_read_from(version: ModelVersion) -> None:
    assert version.split
    judged = judge_confidence(version, split=version.split)
    said = (
        Prediction.objects.of(version)
        .filter(image__memberships__subset="test")
        .select_related("image__label")
    )
    for risk, found in judged.for_risks:
        if found is None:
            continue
        kept = [
            each.image.label is not None and each.image.label.name == each.predicted
            for each in said
            if max(each.probabilities) >= found.threshold
        ]
        assert found.kept == len(kept)
        assert 1 - sum(kept) / len(kept) <= risk
    assert judged.for_risks[0][1]
    kept, wrong = (judged.steps()[name] for name in ("kept", "wrong"))
    assert (kept[0], len(kept)) == (judged.answers.images, 1001)
    assert wrong[0] == round(judged.curve.risk[-1] * kept[0])


def test_the_report_names_its_images_and_why_it_may_be_too_good(version: ModelVersion) -> None:
    assert version.split
    calibrate(version, split=version.split)
    Prediction.objects.filter(image__memberships__subset="val").first().delete()  # type: ignore[union-attr]
    told = judge_confidence(version, split=version.split, subset="val").as_dict()
    assert told["left_out"] == 1
    assert any("fitted on these images" in sentence for sentence in told["warnings"])
    assert any("papers" in sentence for sentence in told["warnings"])


def test_shares_that_were_learnt_follow_how_classes_were_balanced(version: ModelVersion) -> None:
    assert version.split
    counts = version.split.counts["classes"]["train"]
    total = sum(counts.values())
    version.config = {"balance": "none"}
    assert learnt_shares(version) == {name: counts.get(name, 0) / total for name in version.classes}
    version.config = {"balance": "papers"}
    assert learnt_shares(version) == {
        name: pytest.approx(1 / 3 if name in CLASSES else 0) for name in version.classes
    }
    version.split.counts["classes"]["train"] = {"BlotGel": 1000, "FAC": 10, "Microscopy": 500}
    for balance in ("oversample", "weights"):
        version.config = {"balance": balance}
        learnt = learnt_shares(version)
        assert learnt["FAC"] == pytest.approx(100 / 2100)
        assert learnt["BlotGel"] == learnt["Microscopy"] == pytest.approx(1000 / 2100)
    assert learnt_shares(ModelVersionFactory())["FAC"] == pytest.approx(0.2)


def test_a_correction_scores_what_bayes_rule_says(version: ModelVersion) -> None:
    assert version.split
    calibrate(version, split=version.split)
    temperature = temperature_of(version)
    assert temperature
    done = correct_priors(version, split=version.split, shares={"FAC": 60, "BlotGel": 20, "Microscopy": 20})
    said = (
        Prediction.objects.of(version)
        .filter(image__memberships__subset="test")
        .select_related("image__label")
        .order_by("image")
    )
    rows = tempered(np.array([each.probabilities for each in said]), temperature)
    new = np.array([{"FAC": 0.6, "BlotGel": 0.2, "Microscopy": 0.2}.get(name, 0) for name in version.classes])
    old = np.array([1 / 3 if name in CLASSES else np.inf for name in version.classes])
    predicted = [version.classes[place] for place in (rows * new / old).argmax(axis=1)]
    actual = [each.image.label.name for each in said if each.image.label]
    assert done.after.matrix == confusion_matrix(actual, predicted, labels=version.classes).tolist()
    assert done.after.macro_f1 == pytest.approx(
        f1_score(actual, predicted, average="macro", labels=list(CLASSES), zero_division=0)
    )
    assert done.changed == sum(a != b.predicted for a, b in zip(predicted, said, strict=True))
    columns = [
        sum(row[version.classes.index("FAC")] for row in each.matrix) for each in (done.before, done.after)
    ]
    assert columns[1] > columns[0]


def test_presets_are_shares_to_start_from(version: ModelVersion) -> None:
    assert version.split
    presets = preset_shares(judge_confidence(version, split=version.split).answers)
    assert set(presets) == {"train", "dataset", "estimated", "equal"}
    for shares in presets.values():
        assert sum(shares.values()) == pytest.approx(1)
    assert presets["dataset"]["FAC"] == pytest.approx(1 / 3)
    assert presets["dataset"]["Macroscopy"] == 0


@pytest.mark.parametrize(
    "shares",
    [{}, {"FAC": 0}, {"FAC": -1, "BlotGel": 2}, {"Horse": 1}, {"FAC": float("nan")}, {"Macroscopy": 1}],
)
def test_shares_that_are_none_are_refused(version: ModelVersion, shares: dict[str, float]) -> None:
    assert version.split
    with pytest.raises(BadShares):
        correct_priors(version, split=version.split, shares=shares)


def test_rest_tells_how_far_a_confidence_can_be_believed(api: Api, version: ModelVersion) -> None:
    told = api("viewer").get(f"{API}models/{version.pk}/calibration/").json()
    assert (told["subset"], told["split"]["name"], told["after"]) == ("test", "panels/s", None)
    assert len(told["before"]["bins"]) == 15
    assert sum(each["count"] for each in told["before"]["bins"]) == told["images"]
    assert_error(api().get(f"{API}models/{version.pk}/calibration/?subset=all"), 400, "bad_subset")
    assert_error(api().get(f"{API}models/{version.pk}/calibration/?split=none"), 404, "unknown_split")
    assert_error(api().get(f"{API}models/{ModelVersionFactory().pk}/calibration/"), 400, "no_split")
    assert_error(api().get(f"{API}models/{version.pk}/calibration/?subset=train"), 409, "not_evaluated")


def test_rest_calibrates(api: Api, version: ModelVersion) -> None:
    made = api().post(f"{API}models/{version.pk}/calibrate/", {"split": "panels/s"}, format="json")
    assert made.status_code == 201
    assert made.json()["temperature"] == Calibration.objects.get().temperature
    assert made.json()["by"] == "curator"
    Prediction.objects.all().delete()
    assert_error(api().post(f"{API}models/{version.pk}/calibrate/"), 409, "not_evaluated")


def test_rest_sets_the_threshold_and_the_model_tells_it(api: Api, version: ModelVersion) -> None:
    address = f"{API}models/{version.pk}/threshold/"
    chosen = api().put(address, {"abstain_below": 0.72, "reason": "by the curve"}, format="json")
    assert chosen.status_code == 200
    assert (chosen.json()["abstain_below"], chosen.json()["by"]) == (0.72, "curator")
    assert api("viewer").get(f"{API}models/{version.pk}/").json()["abstain_below"] == 0.72
    told = api("viewer").get(f"{API}models/{version.pk}/calibration/").json()["at_threshold"]
    assert told["interval"][0] <= told["risk"] <= told["interval"][1]
    assert_error(api().put(address, {"abstain_below": 0.5}, format="json"), 400, "reason_missing")
    assert_error(api().put(address, {"abstain_below": 7, "reason": "x"}, format="json"), 400, "bad_threshold")
    assert_error(
        api().put(address, {"abstain_below": 0.72, "reason": "x"}, format="json"), 409, "threshold_stands"
    )
    assert Threshold.objects.count() == 1
    assert api().put(address, {"abstain_below": None, "reason": "x"}, format="json").status_code == 200


def test_rest_scores_for_other_shares_and_keeps_nothing(api: Api, version: ModelVersion) -> None:
    address = f"{API}models/{version.pk}/priors/"
    asked = {"subset": "test", "shares": {"FAC": 2.6, "BlotGel": 1, "Microscopy": 1}}
    told = api("viewer").post(address, asked, format="json").json()
    assert told["shares"]["FAC"] == pytest.approx(2.6 / 4.6)
    assert told["before"]["accuracy"] != told["after"]["accuracy"]
    assert_error(api().post(address, {"shares": {"Horse": 1}}, format="json"), 400, "bad_shares")
    assert api().post(address, {"shares": {"FAC": "many"}}, format="json").status_code == 400


def test_a_threshold_below_which_all_lie_answers_nothing(version: ModelVersion) -> None:
    assert version.split
    set_threshold(version, abstain_below=1.0, reason="never trust it")
    Prediction.objects.of(version).update(probabilities=[0.6, 0.4, 0, 0, 0])
    standing = judge_confidence(version, split=version.split).standing
    assert standing
    assert (standing.kept, standing.risk, standing.interval) == (0, None, None)
