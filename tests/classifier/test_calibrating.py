"""A temperature from stored predictions of val: fitted, kept, applied where a confidence is shown."""

import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from sklearn.metrics import log_loss

from classifier.calibrating import (
    TooFewToCalibrate,
    TrainedOnThese,
    calibrate,
    calibrate_after,
    standing_calibration,
    temperature_of,
)
from classifier.classifying import classify_files
from classifier.evaluation import EvaluationIncomplete
from classifier.models import Calibration, ModelVersion, Prediction
from datasets.errors import Refused
from datasets.models import Split
from datasets.splitting import make_split
from tests.classifier.answering import answer, sure_version
from tests.factories import UserFactory, png
from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    """A version that is too sure."""
    return sure_version()


def split_of_version(version: ModelVersion) -> Split:
    """The split it was trained on."""
    assert version.split
    return version.split


def test_a_version_that_is_too_sure_gets_a_temperature_above_one(version: ModelVersion) -> None:
    author = UserFactory()
    made = calibrate(version, split=split_of_version(version), author=author)
    assert made.temperature > 1.5
    assert made.nll_after < made.nll_before
    assert made.ece_after < made.ece_before
    assert (made.subset, made.created_by) == ("val", author)
    said = (
        Prediction.objects.of(version).filter(image__memberships__subset="val").select_related("image__label")
    )
    assert made.images == said.count()
    assert made.papers == said.values("image__paper").distinct().count()
    actual = [each.image.label.name for each in said if each.image.label]
    # What was rounded to nothing is less than the last digit kept.
    rows = np.maximum([each.probabilities for each in said], 1e-7)
    rows /= rows.sum(axis=1, keepdims=True)
    assert made.nll_before == pytest.approx(log_loss(actual, rows, labels=version.classes), rel=1e-3)


def test_stored_predictions_stay_as_the_network_gave_them(version: ModelVersion) -> None:
    before = list(Prediction.objects.order_by("pk").values("confidence", "probabilities", "entropy"))
    calibrate(version, split=split_of_version(version))
    assert list(Prediction.objects.order_by("pk").values("confidence", "probabilities", "entropy")) == before


def test_the_newest_calibration_counts_and_the_earlier_stays(version: ModelVersion) -> None:
    first = calibrate(version, split=split_of_version(version))
    second = calibrate(version, split=split_of_version(version))
    assert standing_calibration(version) == second
    assert list(Calibration.objects.of(version)) == [second, first]
    assert temperature_of(ModelVersionFactory()) is None


def test_without_predictions_of_val_it_says_how_to_get_them(version: ModelVersion) -> None:
    Prediction.objects.filter(image__memberships__subset="val").delete()
    with pytest.raises(EvaluationIncomplete, match=r"evaluate panels@\d+ --split panels/s --subset val"):
        calibrate(version, split=split_of_version(version))


def test_too_few_images_or_papers_or_no_mistake_are_refused_in_words(version: ModelVersion) -> None:
    few = sure_version(slug="few", papers=8)
    with pytest.raises(
        TooFewToCalibrate, match="labelled images of 3 papers of few/s val; a temperature needs 50"
    ):
        calibrate(few, split=split_of_version(few))
    for said in Prediction.objects.of(version).select_related("image__label"):
        assert said.image.label
        said.probabilities = [0.9 if name == said.image.label.name else 0.025 for name in version.classes]
        said.save()
    with pytest.raises(TooFewToCalibrate, match="is right on all"):
        calibrate(version, split=split_of_version(version))
    assert not Calibration.objects.exists()


def test_images_it_was_trained_on_are_refused(version: ModelVersion) -> None:
    split = split_of_version(version)
    other = make_split(split.dataset, name="other", ratios="1:2:1", seed=9)
    Prediction.objects.of(version).delete()
    answer(version, other, subsets=("val",))
    with pytest.raises(TrainedOnThese, match=r"was trained on \d+ images of panels/other val"):
        calibrate(version, split=other)


def test_only_val_of_its_own_split_calibrates_a_version_unasked(version: ModelVersion) -> None:
    split = split_of_version(version)
    other = split_of(labelled_dataset(slug="other", papers=6, per_paper=4))
    answer(version, other)
    assert calibrate_after(version, split=other, subset="val") is None
    assert calibrate_after(version, split=split, subset="test") is None
    assert isinstance(calibrate_after(version, split=split, subset="val"), Calibration)
    Prediction.objects.of(version).delete()
    assert isinstance(calibrate_after(version, split=split, subset="val"), Refused)
    assert Calibration.objects.count() == 1


def test_a_classified_file_has_its_calibrated_confidence(version: ModelVersion) -> None:
    answering = ModelVersionFactory(answers=True, split=version.split)
    files = [("a.png", lambda: png(1))]
    before = classify_files(files, model=answering.pk)
    assert before["temperature"] is None
    assert before["results"][0]["calibrated_confidence"] is None
    Calibration.objects.create(
        version=answering,
        split=split_of_version(version),
        label_cutoff=split_of_version(version).label_cutoff,
        images=60,
        papers=12,
        temperature=2.0,
        nll_before=1,
        nll_after=0.5,
        ece_before=0.2,
        ece_after=0.1,
    )
    (result,) = classify_files(files, model=answering.pk, top=1)["results"]
    shares = np.sqrt([*before["results"][0]["probabilities"].values()])
    assert result["calibrated_confidence"] == pytest.approx(shares.max() / shares.sum(), abs=1e-6)
    assert result["confidence"] == before["results"][0]["confidence"]
    assert result["probabilities"] == {result["label"]: result["confidence"]}
    assert before["results"][0]["calibrated_probabilities"] is None
    assert result["calibrated_probabilities"] == {result["label"]: result["calibrated_confidence"]}


def ask(*words: str) -> Any:
    """What a command prints as JSON."""
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_calibrates_on_the_own_split_or_another(version: ModelVersion) -> None:
    told = ask("calibrate", str(version))
    assert told["temperature"] == temperature_of(version)
    assert (told["model"], told["split"], told["subset"]) == (str(version), "panels/s", "val")
    assert ask("calibrate", str(version), "--split", "panels/s")["id"] != told["id"]
    with pytest.raises(CommandError, match="name a split"):
        call_command("calibrate", str(ModelVersionFactory()))


def test_evaluating_val_by_command_calibrates(version: ModelVersion) -> None:
    call_command("evaluate", str(version), split="panels/s", subset="val", stdout=StringIO())
    assert temperature_of(version)
