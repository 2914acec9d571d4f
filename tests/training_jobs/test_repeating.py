"""A version trained again from its record: the same labels though they changed since, the same answers."""

from collections.abc import Callable

import numpy as np
import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from classifier.models import Evaluation, Prediction
from classifier.networks.config import TrainingConfig
from classifier.networks.recipes import RECIPES, Recipe
from datasets.errors import Refused
from datasets.labelling import correct_label
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory, TrainingRunFactory, labelled_dataset, split_of
from tests.rest import API, api, assert_error
from training_jobs import tasks
from training_jobs.launching import queue_again
from training_jobs.models import EpochMetric, Job, TrainingRun

__all__ = ["api"]

FIGURES = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "val_macro_f1",
    "learning_rate",
    "is_best",
)


def trained(run: TrainingRun) -> TrainingRun:
    """Carry a run out."""
    tasks.train(run.pk)
    run.refresh_from_db()
    return run


@pytest.fixture
def first(data_dir: object) -> TrainingRun:
    """A run with everything random that there is, and its version."""
    config = {"architecture": "cnn", "image_size": 32, "epochs": 2, "batch_size": 8, "drawn_papers": 0}
    run = trained(TrainingRunFactory(config=config))
    assert run.state == Job.State.SUCCEEDED, run.error
    return run


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_a_repeated_run_has_the_same_figures_though_labels_changed(first: TrainingRun) -> None:
    version = first.version
    assert version is not None
    for image in first.split.dataset.images.all():
        other = first.split.dataset.classes.exclude(pk=image.label_id)[0]
        correct_label(
            image, label=other, excluded=False, author=UserFactory(), expected_version=image.version
        )
    again = trained(queue_again(version))
    assert again.state == Job.State.SUCCEEDED, again.error
    assert again.version is not None and str(again.version) == f"{version.name}@{version.version + 1}"
    assert again.version.training_set_sha256 == version.training_set_sha256
    assert again.version.label_cutoff == version.label_cutoff
    rows = [list(EpochMetric.objects.filter(run=run).values_list(*FIGURES)) for run in (first, again)]
    assert rows[0] == rows[1]
    said = [
        np.array(
            Prediction.objects.filter(version=each).order_by("image").values_list("probabilities", flat=True)
        )
        for each in (version, again.version)
    ]
    assert np.array_equal(*said)
    matrices = [
        list(Evaluation.objects.filter(version=each).order_by("subset").values_list("matrix", flat=True))
        for each in (version, again.version)
    ]
    assert matrices[0] == matrices[1]
    assert f"The same answers as {version} on val and test" in [event["note"] for event in again.events]


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_the_same_is_not_queued(first: TrainingRun) -> None:
    version = first.version
    assert version is not None
    with pytest.raises(Refused) as caught:
        queue_again(ModelVersionFactory(name="other"))
    assert caught.value.code == "not_trained_here"
    first.split.dataset.classes.filter(name="BlotGel").update(name="Gel")
    with pytest.raises(Refused) as caught:
        queue_again(version)
    assert caught.value.code == "training_set_changed"
    assert TrainingRun.objects.count() == 1


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.django_db(transaction=True)
def test_the_command_and_rest_train_a_version_again(
    first: TrainingRun, api: Callable[..., APIClient]
) -> None:
    call_command("train", like=str(first.version))
    run = TrainingRun.objects.latest("id")
    config = TrainingConfig.from_dict(first.config).as_dict()
    assert (run.like, run.split, run.config) == (first.version, first.split, config)
    body = {"like": str(first.version), "name": "again", "priority": 3}
    told = api().post(f"{API}training-runs/", body, format="json")
    assert told.status_code == 202, told.content
    run = TrainingRun.objects.latest("id")
    assert (run.like, run.name, run.priority) == (first.version, "again", 3)
    for more in ({"split": "d/s"}, {"config": {"epochs": 3}}, {"recipe": "seed-cnn"}):
        assert_error(api().post(f"{API}training-runs/", {**body, **more}, format="json"), 400, "invalid")


@pytest.mark.django_db
def test_a_recipe_brings_its_settings_and_lets_them_be_changed(api: Callable[..., APIClient]) -> None:
    split = split_of(labelled_dataset(slug="d"))
    call_command("train", "s", recipe="seed-cnn", set=["epochs=3"])
    run = TrainingRun.objects.latest("id")
    assert (run.architecture, run.name) == ("cnn", "d-seed-cnn")
    wanted = {**RECIPES["seed-cnn"].settings, "epochs": 3}
    assert {name: run.config[name] for name in wanted} == wanted
    client = api()
    address = f"{API}training-runs/"
    assert client.post(address, {"split": split.pk, "recipe": "seed-cnn"}, format="json").status_code == 202
    for wrong in (
        {"split": split.pk},
        {"recipe": "seed-cnn"},
        {"split": split.pk, "recipe": "none"},
    ):
        assert_error(client.post(address, wrong, format="json"), 400, "invalid")
    other = {"split": split.pk, "recipe": "seed-cnn", "architecture": "resnet50"}
    assert_error(client.post(address, other, format="json"), 400, "unknown_recipe")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_hold_settings_that_there_are(recipe: Recipe) -> None:
    config = TrainingConfig.defaults(recipe.architecture, weights="imagenet").with_overrides(recipe.settings)
    assert {name: getattr(config, name) for name in recipe.settings} == dict(recipe.settings)
    assert sum(int(part) for part in recipe.ratios.split(":")) == 100
