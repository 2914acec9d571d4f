"""A person who clicks twice: what is queued is queued once."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of
from training_jobs.models import InferenceJob, TrainingRun

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SLOW = 1.0


@pytest.fixture(autouse=True)
def slow_broker() -> Iterator[Any]:
    """A broker that takes its time, so that the answer to a first click is not there before the second."""
    with patch("celery.current_app.send_task", side_effect=lambda *_, **__: time.sleep(SLOW)) as send:
        yield send


def click_twice(button: Locator) -> None:
    """Click, and once more when the first request has been sent."""
    button.evaluate(
        "async (it) => { it.click(); await new Promise((go) => setTimeout(go, 200)); it.click(); }"
    )


def test_two_clicks_queue_one_run_and_one_job(signed_in: Open) -> None:
    split_of(labelled_dataset(slug="panels"))
    ModelVersionFactory()
    page = signed_in()
    page.goto("/training/new/?dataset=panels")
    click_twice(page.get_by_role("button", name="Queue the run"))
    expect(page.get_by_text("Number 1 in the queue")).to_be_visible()
    page.goto("/classify/datasets/?dataset=panels")
    click_twice(page.get_by_role("button", name="Classify 24 images"))
    expect(page.get_by_text("Number 1 in the queue")).to_be_visible()
    assert (TrainingRun.objects.count(), InferenceJob.objects.count()) == (1, 1)


def test_a_question_that_is_declined_does_not_spend_the_click(signed_in: Open) -> None:
    split_of(labelled_dataset(slug="panels"))
    page = signed_in()
    page.goto("/training/new/?dataset=panels")
    page.get_by_role("button", name="Queue the run").click()
    expect(page.get_by_text("Number 1 in the queue")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cancel").click()
    assert TrainingRun.objects.get().state == "queued"
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("is cancelled.")).to_be_visible()
