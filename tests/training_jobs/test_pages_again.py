"""A version's training queued again from its page: who may, what is refused."""

from typing import Any

import pytest
from django.utils import timezone

from datasets.models import Split
from tests.factories_models import ModelVersionFactory
from training_jobs.models import TrainingRun
from training_jobs.training_set import training_set_sha256

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]


def repeatable(split: Split) -> Any:
    """A version whose training was recorded."""
    cutoff = timezone.now()
    return ModelVersionFactory(
        name="panels",
        split=split,
        label_cutoff=cutoff,
        training_set_sha256=training_set_sha256(split, cutoff),
        config={"architecture": "cnn", "epochs": 1},
    )


def test_a_version_is_trained_again_from_its_page(as_role: Any, split: Split) -> None:
    version = repeatable(split)
    client = as_role()
    page = client.get(f"/models/{version.pk}/").content.decode()
    assert f'action="/training/again/{version.pk}/"' in page and f"Train {version} again?" in page
    answer = client.post(f"/training/again/{version.pk}/", follow=True)
    run = TrainingRun.objects.get()
    assert answer.redirect_chain == [(f"/training/{run.pk}/", 302)]
    assert (run.like, run.label_cutoff, run.created_by.username) == (version, version.label_cutoff, "curator")
    assert f"it trains {version} again" in answer.content.decode()
    assert client.get(f"/training/again/{version.pk}/").status_code == 405


def test_a_training_that_cannot_be_the_same_is_refused_in_a_sentence(as_role: Any, split: Split) -> None:
    version = repeatable(split)
    type(version).objects.update(training_set_sha256="0" * 64)
    answer = as_role().post(f"/training/again/{version.pk}/", follow=True)
    assert answer.redirect_chain == [(f"/models/{version.pk}/", 302)]
    assert "cannot be trained again as it was" in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_only_who_may_train_is_offered_to_and_only_for_what_was_recorded(as_role: Any, split: Split) -> None:
    version, other = repeatable(split), ModelVersionFactory(name="other", split=split)
    assert "Train again" not in as_role("viewer").get(f"/models/{version.pk}/").content.decode()
    assert as_role("viewer").post(f"/training/again/{version.pk}/").status_code == 403
    assert "Train again" not in as_role().get(f"/models/{other.pk}/").content.decode()
    refused = as_role().post(f"/training/again/{other.pk}/", follow=True).content.decode()
    assert "its training set was not recorded" in refused
    assert as_role().post("/training/again/99999/").status_code == 404
    assert not TrainingRun.objects.exists()
