"""Home: what is done, what comes next, what happened."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.evaluation import evaluate
from datasets.labelling import correct_label
from tests.factories import DatasetFactory, ImageFactory
from tests.factories_models import (
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)
from training_jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(client: Client, user_in_role: Callable[[str], User]) -> Callable[..., str]:
    """Open Home in a role; return the page."""

    def show(role: str = "curator") -> str:
        client.force_login(user_in_role(role))
        return client.get("/", follow=True).content.decode()

    return show


def test_an_empty_site_offers_the_first_import(home: Callable[..., str]) -> None:
    page = home()
    assert "Nothing here yet" in page
    assert 'href="/imports/"' in page


def test_the_next_step_follows_from_what_is_done(home: Callable[..., str]) -> None:
    dataset = DatasetFactory(slug="panels")
    assert ">Import images</a>" in home()
    ImageFactory(dataset=dataset, paper=None, file_name="a.png")
    assert ">Label 1 images</a>" in home()


def test_with_all_labelled_a_split_comes_next_then_training_then_a_champion(home: Callable[..., str]) -> None:
    dataset = labelled_dataset(slug="panels")
    assert ">Make a split</a>" in home()
    split = split_of(dataset)
    assert ">Train a model</a>" in home()
    version = ModelVersionFactory(split=split)
    assert ">Choose a champion</a>" in home()
    promote(version, reason="the only one", override=True)
    page = home()
    assert "Every step is done" in page
    assert "model=champion&amp;disagrees=true" in page


def test_a_viewer_is_offered_no_step_that_the_role_forbids(home: Callable[..., str]) -> None:
    labelled_dataset(slug="panels")
    assert "Make a split" not in home("viewer")


def test_the_champion_is_shown_with_its_test_scores_and_why_it_was_promoted(home: Callable[..., str]) -> None:
    split = split_of(labelled_dataset(slug="panels"))
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=1)
    scores = evaluate(version, split=split)
    promote(version, reason="best on blots")
    page = home()
    assert f"<b>{scores.macro_f1:.3f}</b><span>macro-F1</span>" in page
    assert "best on blots" in page


def test_the_queue_shows_what_is_at_work_before_what_waits(home: Callable[..., str]) -> None:
    waiting = InferenceJobFactory(dataset=labelled_dataset(slug="panels"))
    running = TrainingRunFactory(split=split_of(waiting.dataset))
    running.claim("worker")
    page = home()
    assert page.index(f"Training run {running.pk}") < page.index(f"Inference job {waiting.pk}")
    assert f"state-{Job.State.RUNNING}" in page


def test_what_changed_names_who_did_what(
    home: Callable[..., str], user_in_role: Callable[[str], User]
) -> None:
    dataset = labelled_dataset(slug="panels")
    image = dataset.images.first()
    assert image is not None
    correct_label(
        image,
        label=dataset.class_named("FAC"),
        excluded=False,
        author=user_in_role("annotator"),
        reason="axes are seen",
        expected_version=None,
    )
    page = home()
    assert "relabelled 1 image: axes are seen" in page
    assert "annotator" in page
