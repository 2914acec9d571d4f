"""A version is calibrated where it has just been scored on val: after a training, after an evaluation job."""

import pytest

from classifier.models import Calibration, Prediction
from tests.classifier.answering import sure_version
from tests.factories_models import ModelVersionFactory, TrainingRunFactory
from training_jobs import tasks
from training_jobs.launching import queue_evaluation
from training_jobs.models import Job
from training_jobs.publishing import Answers, judge

pytestmark = pytest.mark.django_db


def test_what_a_training_leaves_is_calibrated_on_val_by_the_labels_of_the_run() -> None:
    version = sure_version()
    said = list(Prediction.objects.of(version))
    Prediction.objects.all().delete()
    for prediction in said:
        prediction.pk = None
    run = TrainingRunFactory(split=version.split)
    judge(run, version, Answers(said, []))
    made = Calibration.objects.get()
    assert (made.version, made.split, made.label_cutoff) == (version, run.split, run.label_cutoff)
    assert made.temperature > 1


def test_a_training_with_a_val_too_small_says_that_it_was_not_calibrated() -> None:
    run = TrainingRunFactory()
    assert run.claim("a worker")
    version = ModelVersionFactory(split=run.split)
    images = run.split.members.filter(subset__in=("val", "test")).values_list("image", flat=True)
    said = [
        Prediction(image_id=pk, predicted="FAC", confidence=0.6, probabilities=[0.1, 0.6, 0.1, 0.1, 0.1])
        for pk in images
    ]
    judge(run, version, Answers(said, []))
    assert not Calibration.objects.exists()
    assert run.message.startswith("Not calibrated: ")
    assert "a temperature needs 50 of 5" in run.message


def test_an_evaluation_of_val_calibrates_and_one_of_test_does_not() -> None:
    split = sure_version().split
    assert split
    version = ModelVersionFactory(answers=True, split=split)
    for subset, calibrations in (("test", 0), ("val", 1)):
        job = queue_evaluation(version, split=split, subset=subset)
        tasks.infer(job.pk)
        job.refresh_from_db()
        assert job.state == Job.State.SUCCEEDED
        assert Calibration.objects.of(version).count() == calibrations
