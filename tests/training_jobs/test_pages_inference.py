"""The pages of bulk inference: what is to be classified, the jobs, one that is followed."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classifier.evaluation import evaluate
from classifier.models import Alias, ModelVersion
from datasets.models import Split
from tests.factories import DatasetFactory
from tests.factories_models import (
    InferenceJobFactory,
    ModelVersionFactory,
    PredictionFactory,
    images_in,
    labelled_dataset,
    predict_all,
)
from training_jobs.models import InferenceJob

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
PAGE = "/classify/datasets/"


@pytest.fixture
def version(split: Split) -> ModelVersion:
    """A version of that dataset, which is the champion."""
    made = ModelVersionFactory(name="panels", version=1, split=split)
    Alias.objects.create(name="champion", version=made)
    return made


def test_the_form_proposes_the_champion_and_counts_what_it_has_not_classified(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    newer = ModelVersionFactory(name="panels", version=2)
    for image in split.dataset.images.all()[:5]:
        PredictionFactory(version=newer, image=image)
    client = as_role()
    proposed = client.get(f"{PAGE}?dataset=d").content.decode()
    assert '<option value="panels@1" selected>champion (panels@1)</option>' in proposed
    assert "Classify 24 images" in proposed and "never change them" in proposed
    other = client.get(f"{PAGE}?dataset=d&model=panels@2").content.decode()
    assert '<option value="panels@2" selected>' in other and "Classify 19 images" in other
    assert "/workbench/?dataset=d&amp;model=panels@2&amp;disagrees=true" in other


def test_a_model_that_has_classified_everything_has_nothing_left_to_do(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    predict_all(version, split.dataset.images.all())
    page = as_role().get(f"{PAGE}?dataset=d").content.decode()
    assert "has classified all 24 images" in page and 'id="classify"' not in page


def test_a_curator_queues_predictions_over_a_dataset(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    answer = as_role().post(PAGE, {"dataset": "d", "model": "panels@1", "kind": "dataset"}, follow=True)
    job = InferenceJob.objects.get()
    assert answer.redirect_chain == [(f"/classify/datasets/{job.pk}/", 302)]
    assert (job.kind, job.dataset, job.version, job.state) == ("dataset", split.dataset, version, "queued")
    assert job.created_by.username == "curator"
    assert "Number 1 in the queue" in answer.content.decode()


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_queue_sees_the_jobs_but_no_button(
    as_role: Any, split: Split, version: ModelVersion, role: str
) -> None:
    job = InferenceJobFactory(version=version, dataset=split.dataset)
    client = as_role(role)
    page = client.get(f"{PAGE}?dataset=d").content.decode()
    assert f'id="job-{job.pk}"' in page and 'id="classify"' not in page
    followed = client.get(f"{PAGE}{job.pk}/").content.decode()
    assert ">Cancel<" not in followed
    assert client.post(PAGE, {"dataset": "d", "model": "panels@1"}).status_code == 403
    assert client.post(f"{PAGE}{job.pk}/", {"action": "cancel"}).status_code == 403
    assert list(InferenceJob.objects.values_list("pk", "state")) == [(job.pk, "queued")]


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"dataset": "none"}, "dataset", "There is no dataset &#x27;none&#x27;"),
        ({"model": "panels@9"}, "model", "There is no model &#x27;panels@9&#x27;"),
        ({"dataset": "empty"}, "dataset", "empty holds no images. Import some first."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    as_role: Any, split: Split, version: ModelVersion, change: dict[str, str], field: str, sentence: str
) -> None:
    DatasetFactory(slug="empty")
    ModelVersionFactory(name="panels", version=2)
    asked = {"dataset": "d", "model": "panels@2", **change}
    answer = as_role().post(PAGE, asked)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert f'id="c-{field}-error">{sentence}' in page
    kept = "dataset" if field == "model" else "model"
    assert f'<option value="{asked[kept]}" selected>' in page
    assert not InferenceJob.objects.exists()


def test_without_a_model_or_a_dataset_the_page_offers_the_way_there(as_role: Any) -> None:
    client = as_role()
    assert 'href="/imports/">Import images' in client.get(PAGE).content.decode()
    labelled_dataset(slug="d")
    page = client.get(PAGE).content.decode()
    assert "No model yet" in page and "/training/?dataset=d" in page


def test_an_evaluation_is_queued_from_the_page_of_a_model(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    for named, split_named in ((str(version.pk), str(split.pk)), ("panels@1", "d/s")):
        asked = {"kind": "evaluation", "model": named, "split": split_named, "subset": "val"}
        answer = as_role().post(PAGE, asked, follow=True)
        job = InferenceJob.objects.first()
        assert job is not None
        assert answer.redirect_chain == [(f"/classify/datasets/{job.pk}/", 302)]
        assert (job.kind, job.version, job.split, job.subset) == ("evaluation", version, split, "val")
        assert "Evaluate panels@1" in answer.content.decode()
    assert InferenceJob.objects.count() == 2


def test_an_evaluation_that_is_refused_is_told_on_the_page_of_the_model(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    for change, sentence in (
        ({"split": "none"}, "There is no split 'none'"),
        ({"subset": "half"}, "A subset is one of train, val, test"),
    ):
        asked = {"kind": "evaluation", "model": version.pk, "split": split.pk, "subset": "test", **change}
        answer = as_role().post(PAGE, asked)
        assert answer["Location"] == f"/models/{version.pk}/"
        assert [sentence in str(message) for message in get_messages(answer.wsgi_request)] == [True]
    assert not InferenceJob.objects.exists()


def test_who_may_classify_but_not_evaluate_cannot_evaluate(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    Group.objects.get(name="curator").permissions.remove(Permission.objects.get(codename="add_evaluation"))
    asked = {"kind": "evaluation", "model": version.pk, "split": split.pk, "subset": "test"}
    assert as_role().post(PAGE, asked).status_code == 403
    assert not InferenceJob.objects.exists()


def test_the_list_tells_what_each_job_found(as_role: Any, split: Split, version: ModelVersion) -> None:
    failure = {"image": 1, "file": "0/010101.png", "code": "corrupt", "detail": "It ends too early."}
    InferenceJobFactory(
        version=version,
        dataset=split.dataset,
        state="succeeded",
        new_predictions=1234,
        failures=[failure, failure],
        started_at=timezone.now() - timedelta(seconds=42),
        finished_at=timezone.now(),
    )
    InferenceJobFactory(
        version=version, dataset=split.dataset, kind="evaluation", split=split, subset="test", state="queued"
    )
    with CaptureQueriesContext(connection) as asked:
        page = as_role("viewer").get(PAGE).content.decode()
    assert not [query for query in asked.captured_queries if '"failures"' in query["sql"]]
    for part in (">1,234<", 'class="num">2<', "42 s", "Evaluate on s test", "number 1 in the queue"):
        assert part in page


def test_a_finished_job_leads_to_its_predictions_and_names_what_it_could_not_read(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    image = split.dataset.images.first()
    job = InferenceJobFactory(
        version=version,
        dataset=split.dataset,
        state="succeeded",
        new_predictions=23,
        failures=[{"image": image.pk, "file": "0/x.png", "code": "corrupt", "detail": "It ends too early."}],
    )
    page = as_role("viewer").get(f"{PAGE}{job.pk}/").content.decode()
    assert f'href="/images/{image.pk}/">0/x.png' in page and "It ends too early." in page
    assert "/workbench/?dataset=d&amp;model=panels%401" in page
    assert f"/api/v1/inference-jobs/{job.pk}/results.csv" in page
    assert ">23<" in page and ">Retry<" not in page


def test_a_finished_evaluation_leads_to_its_model_with_the_scores(
    as_role: Any, split: Split, version: ModelVersion
) -> None:
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluation = evaluate(version, split=split)
    job = InferenceJobFactory(
        version=version,
        dataset=split.dataset,
        kind="evaluation",
        split=split,
        subset="test",
        state="succeeded",
        evaluation=evaluation,
    )
    page = as_role("viewer").get(f"{PAGE}{job.pk}/").content.decode()
    assert f'href="/models/{version.pk}/">See the scores' in page
    assert f"{evaluation.macro_f1:.3f}" in page


def test_a_job_is_cancelled_and_queued_again(as_role: Any, split: Split, version: ModelVersion) -> None:
    job = InferenceJobFactory(
        version=version,
        dataset=split.dataset,
        state="running",
        started_at=timezone.now(),
        total=24,
        done=6,
        message="Classified 6 of 24 images",
    )
    client, there = as_role(), f"{PAGE}{job.pk}/"
    assert 'aria-valuenow="25"' in client.get(there).content.decode()
    page = client.post(there, {"action": "cancel"}, follow=True).content.decode()
    assert f"Job {job.pk} will stop within a few seconds." in page and ">Cancel<" not in page
    job.refresh_from_db()
    assert job.state == "cancelling"
    InferenceJob.objects.filter(pk=job.pk).update(state="cancelled")
    again = client.post(there, {"action": "retry"}, follow=True).content.decode()
    assert "is queued again" in again and "Number 1 in the queue" in again
    assert client.get(f"{PAGE}99999/").status_code == 404
