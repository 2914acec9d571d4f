"""Versions deleted for good, and versions that stay because something needs them."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.accepting import accept_predictions
from classifier.aliases import promote, roll_back
from classifier.evaluation import evaluate
from classifier.models import Evaluation, ModelVersion, Prediction, RemovedVersion
from classifier.registry import register
from datasets.models import Split
from tests.factories import UserFactory
from tests.factories_models import (
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)
from tests.rest import API, api, assert_error
from training_jobs.deleting import NameNeeded, VersionInUse, delete_version
from training_jobs.models import InferenceJob, TrainingRun

__all__ = ["api"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of a small labelled dataset."""
    return split_of(labelled_dataset(slug="d"))


def scored(split: Split) -> ModelVersion:
    """A version with its run, predictions, an evaluation and the job that made it."""
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"))
    evaluation = evaluate(version, split=split)
    TrainingRunFactory(split=split, version=version, state="succeeded")
    InferenceJobFactory(
        version=version,
        dataset=split.dataset,
        kind="evaluation",
        split=split,
        subset="test",
        evaluation=evaluation,
        state="succeeded",
    )
    return version


def test_a_version_goes_with_all_that_came_of_it(
    split: Split, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    version, other = scored(split), scored(split)
    name, folder, person = str(version), version.folder, UserFactory()
    with django_capture_on_commit_callbacks(execute=True):
        left = delete_version(version, name=name, reason="overfitted", author=person)
    assert (str(left), left.author, left.reason) == (name, person, "overfitted")
    assert left.contents["evaluations"] == 1
    assert not folder.exists()
    assert other.folder.exists()
    assert set(ModelVersion.objects.all()) == {other}
    assert {each.version for each in Evaluation.objects.all()} == {other}
    assert {each.version for each in InferenceJob.objects.all()} == {other}
    assert set(Prediction.objects.values_list("version", flat=True)) == {other.pk}
    assert TrainingRun.objects.get(version=None).version_removed == name


def test_the_number_of_a_deleted_version_is_never_given_again() -> None:
    ModelVersionFactory(name="panels", version=1)
    newest = ModelVersionFactory(name="panels", version=2)
    delete_version(newest, name="panels@2")
    made = register(
        name="panels",
        architecture="cnn",
        classes=["A", "B"],
        config={},
        input_size=32,
        geometry="letterbox",
        directory="models/panels/run-1-1",
        keras_sha256="0" * 64,
        onnx_sha256="0" * 64,
        parity=0.0,
    )
    assert str(made) == "panels@3"


def test_another_name_deletes_nothing() -> None:
    version = ModelVersionFactory()
    for name in ("", "panels", "other@1"):
        with pytest.raises(NameNeeded):
            delete_version(version, name=name)
    assert ModelVersion.objects.exists()


def assert_refused(version: ModelVersion, told: str) -> None:
    with pytest.raises(VersionInUse, match=told):
        delete_version(version, name=str(version))
    assert version.keras_path.exists()
    assert not RemovedVersion.objects.exists()


def test_what_an_alias_points_at_stays_and_what_it_pointed_at() -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    promote(first, reason="1")
    promote(second, reason="2")
    assert_refused(second, "the alias champion points at it")
    assert_refused(first, "the history of champion names it")
    roll_back(reason="back")
    assert_refused(second, "the history of champion names it")


def test_a_version_whose_predictions_became_labels_stays(split: Split) -> None:
    version = ModelVersionFactory(split=split)
    images = images_in(split, "test")
    predict_all(version, images, wrong=2)
    accept_predictions(
        [(image.pk, image.version) for image in images],
        dataset=split.dataset,
        version=version,
        author=UserFactory(),
        reason="looked through",
    )
    assert_refused(version, "2 labels were accepted from its predictions")


def test_a_version_at_work_stays(split: Split) -> None:
    busy = ModelVersionFactory()
    InferenceJobFactory(version=busy)
    assert_refused(busy, "1 inference job of it wait or are at work")
    repeated = ModelVersionFactory(split=split)
    run = TrainingRunFactory(split=split, like=repeated)
    assert_refused(repeated, f"training run {run.pk} repeats it")
    TrainingRun.objects.filter(pk=run.pk).update(state="failed", finished_at=timezone.now())
    delete_version(repeated, name=str(repeated))
    run.refresh_from_db()
    assert run.like is None


def test_over_rest_a_curator_deletes_by_name(api: Callable[..., APIClient]) -> None:
    version = ModelVersionFactory()
    address = f"{API}models/{version.pk}/"
    assert_error(api("annotator").delete(f"{address}?name={version}"), 403, "permission_denied")
    client = api("curator")
    assert_error(client.delete(address), 400, "name_needed")
    assert client.delete(f"{address}?name={version}&reason=old").status_code == 204
    assert_error(client.get(address), 404, "not_found")
    kept = ModelVersionFactory()
    promote(kept, reason="first")
    assert_error(client.delete(f"{API}models/{kept.pk}/?name={kept}"), 409, "model_in_use")


def test_the_command_says_what_would_go_and_does_it_when_told(user_in_role: Callable[[str], User]) -> None:
    version = ModelVersionFactory()
    with pytest.raises(CommandError, match="Add --yes"):
        call_command("delete_model", str(version))
    assert ModelVersion.objects.exists()
    call_command("delete_model", str(version), yes=True, reason="old", stdout=StringIO())
    assert (RemovedVersion.objects.get().reason, ModelVersion.objects.exists()) == ("old", False)
