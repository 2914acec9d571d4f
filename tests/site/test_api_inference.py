"""Bulk inference over REST: over a dataset, a filter, an archive; its results, line by line."""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from classifier.models import ModelVersion, Prediction
from datasets.models import Dataset, Image
from datasets.store import path_of
from tests.factories import ImageFactory
from tests.factories_models import ModelVersionFactory, labelled_dataset
from tests.rest import API, api, assert_error
from tests.training_jobs.test_api_jobs import archive
from training_jobs import running, tasks
from training_jobs.models import ImportJob, InferenceJob

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def few_at_a_time(settings: Any) -> Iterator[None]:
    """Small chunks; no message is sent."""
    settings.INFERENCE_CHUNK_IMAGES = 5
    names = [f"training_jobs.{module}.wake" for module in ("launching", "leases", "running", "chunking")]
    with patch(names[0]), patch(names[1]), patch(names[2]), patch(names[3]):
        yield


@pytest.fixture
def dataset() -> Dataset:
    """24 images, half of each class."""
    return labelled_dataset(slug="d")


@pytest.fixture
def version() -> ModelVersion:
    """A version that answers."""
    version: ModelVersion = ModelVersionFactory(answers=True)
    return version


@pytest.fixture
def curator(user_in_role: Callable[[str], User], client: Client) -> Client:
    """A curator in a browser."""
    client.force_login(user_in_role("curator"))
    return client


def work_off(pk: int) -> InferenceJob:
    """Carry a job out to its end."""
    tasks.infer(pk)
    job = InferenceJob.objects.get(pk=pk)
    while running.carry_out_chunk(job, worker="one"):
        pass
    job.refresh_from_db()
    return job


def queue(client: APIClient, **body: Any) -> dict[str, Any]:
    """Queue a job; return what is told of it."""
    response = client.post(f"{API}inference-jobs/", body, format="json")
    assert response.status_code == 202, response.content
    told: dict[str, Any] = response.json()
    return told


def lines_of(client: APIClient, pk: int) -> list[dict[str, Any]]:
    """Return the results as JSON Lines."""
    response = client.get(f"{API}inference-jobs/{pk}/results.jsonl")
    assert response["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.getvalue().decode().splitlines()]


def test_a_job_is_over_the_images_that_a_filter_chooses_now(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    client = api("curator")
    told = queue(client, filter={"dataset": "d", "label": "BlotGel"}, model=str(version))
    assert (told["dataset"], told["filter"]["label"], told["progress"]["total"]) == ("d", "BlotGel", 12)
    ImageFactory(paper=dataset.papers.first(), file_name="late.png", label="BlotGel", seed=9)
    job = work_off(told["id"])
    assert (job.state, job.new_predictions, job.total) == (InferenceJob.State.SUCCEEDED, 12, 12)
    chosen = Image.objects.filter(label__name="BlotGel").exclude(file_name="late.png").order_by("pk")
    assert [line["image"] for line in lines_of(client, job.pk)] == [image.pk for image in chosen]
    response = client.get(f"{API}inference-jobs/{job.pk}/results.csv")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert {row["label"] for row in rows} == {"BlotGel"} and len(rows) == 12


def test_the_results_of_a_filter_hold_what_was_predicted_before(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    client = api("curator")
    work_off(queue(client, dataset="d", model=str(version))["id"])
    job = work_off(queue(client, dataset="d", filter={"label": "BlotGel"}, model=str(version))["id"])
    assert (job.new_predictions, job.done, len(lines_of(client, job.pk))) == (0, 12, 12)


def test_a_filter_by_what_another_model_said_chooses_images(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    client = api("curator")
    work_off(queue(client, dataset="d", model=str(version))["id"])
    said = Prediction.objects.filter(version=version, disagrees=True)
    other = ModelVersionFactory(answers=True)
    filters = {"model": str(version), "disagrees": True}
    told = queue(client, dataset="d", filter=filters, model=str(other))
    assert told["progress"]["total"] == said.count() > 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"dataset": "d", "filter": {"labl": "FAC"}}, 400, "invalid"),
        ({"dataset": "d", "filter": {"label": "none such"}}, 400, "invalid"),
        ({"dataset": "d", "filter": {"dataset": "e"}}, 400, "invalid"),
        ({"filter": {"label": "BlotGel"}}, 400, "invalid"),
        ({"dataset": "d", "filter": {"label": "FAC"}}, 400, "nothing_to_do"),
        ({"dataset": "none", "filter": {}}, 404, "unknown_dataset"),
    ],
)
def test_a_filter_that_chooses_nothing_is_refused(
    api: Api, dataset: Dataset, version: ModelVersion, body: dict[str, Any], status: int, code: str
) -> None:
    assert_error(api("curator").post(f"{API}inference-jobs/", body, format="json"), status, code)
    assert not InferenceJob.objects.exists()


def test_results_as_json_lines_name_each_class_and_tell_of_what_could_not_be_read(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    gone = dataset.images.order_by("pk")[3]
    path_of(gone.sha256).unlink()
    client = api("curator")
    job = work_off(queue(client, dataset="d", model=str(version))["id"])
    *told, failed = lines_of(client, job.pk)
    assert len(told) == 23
    assert list(told[0]["probabilities"]) == version.classes
    assert told[0]["confidence"] == pytest.approx(max(told[0]["probabilities"].values()))
    assert (told[0]["dataset"], told[0]["label"], told[0]["abstained"]) == ("d", "BlotGel", False)
    assert (failed["image"], failed["error"]["code"]) == (gone.pk, "bytes_missing")
    shown = client.get(f"{API}inference-jobs/{job.pk}/").json()
    assert [failure["image"] for failure in shown["failures"]] == [gone.pk]
    assert (shown["chunks"], shown["workers"]) == ({"succeeded": 5}, 0)


def test_while_chunks_are_at_work_the_job_tells_who_how_fast_and_until_when(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    client = api("curator")
    pk = queue(client, dataset="d", model=str(version))["id"]
    tasks.infer(pk)
    job = InferenceJob.objects.get(pk=pk)
    chunk = job.chunks.waiting().first()
    assert chunk.claim("two")
    InferenceJob.objects.update(rate=4.0, done=12)
    shown = client.get(f"{API}inference-jobs/{pk}/").json()
    assert (shown["state"], shown["workers"], shown["rate"], shown["seconds_left"]) == (
        "running",
        1,
        4.0,
        3.0,
    )
    assert shown["ends_at"]
    assert shown["chunks"] == {"queued": 3, "running": 1, "succeeded": 1}


def test_a_cancelled_job_is_retried_over_rest_and_goes_on(
    api: Api, dataset: Dataset, version: ModelVersion
) -> None:
    client = api("curator")
    pk = queue(client, dataset="d", model=str(version))["id"]
    tasks.infer(pk)
    assert client.post(f"{API}inference-jobs/{pk}/cancel/").json()["state"] == "cancelled"
    assert client.post(f"{API}inference-jobs/{pk}/retry/").json()["state"] == "queued"
    assert (work_off(pk).state, Prediction.objects.count()) == (InferenceJob.State.SUCCEEDED, 24)


def test_an_archive_is_imported_and_what_came_in_classified(api: Api, version: ModelVersion) -> None:
    client = api("curator")
    body = {"archive": archive(), "dataset": "new", "classify_with": str(version)}
    told = client.post(f"{API}imports/", body, format="multipart").json()
    assert (told["classify_with"], told["inference_job"]) == (version.pk, None)
    tasks.run_import(told["id"])
    after = client.get(f"{API}imports/{told['id']}/").json()
    assert after["state"] == "succeeded"
    job = work_off(after["inference_job"])
    images = Image.objects.filter(dataset__slug="new").count()
    assert (job.state, job.new_predictions) == (InferenceJob.State.SUCCEEDED, images)


def test_a_check_hands_the_model_on_to_its_import(api: Api, version: ModelVersion) -> None:
    client = api("curator")
    body = {"archive": archive(), "dataset": "new", "classify_with": str(version), "dry_run": True}
    checked = client.post(f"{API}imports/", body, format="multipart").json()
    tasks.run_import(checked["id"])
    assert ImportJob.objects.get(pk=checked["id"]).inference is None
    told = client.post(f"{API}imports/", {"checked_by": checked["id"]}, format="json").json()
    tasks.run_import(told["id"])
    assert ImportJob.objects.get(pk=told["id"]).inference is not None


def test_what_the_workbench_shows_is_classified_from_there(
    curator: Client, dataset: Dataset, version: ModelVersion
) -> None:
    bench = curator.get("/workbench/?dataset=d&label=BlotGel").content.decode()
    link = html.unescape(re.search(r'href="([^"]+)" title="Let a model classify', bench)[1])  # type: ignore[index]
    page = curator.get(link).content.decode()
    assert "Classify 12 images" in page and "chosen in the workbench: label BlotGel" in page
    form = {"dataset": "d", "model": str(version), "filter": json.dumps({"label": "BlotGel"})}
    followed = curator.post("/classify/datasets/", form)
    job = InferenceJob.objects.get()
    assert followed["Location"] == f"/classify/datasets/{job.pk}/"
    assert (job.total, job.filter["label"]) == (12, "BlotGel")
    shown = curator.get(followed["Location"]).content.decode()
    assert "chosen by a filter: label BlotGel" in shown and "results.jsonl" in shown
    assert curator.get("/classify/datasets/?dataset=d&filter=none").status_code == 400


def test_the_page_of_a_check_offers_to_classify_what_comes_in(
    curator: Client, api: Api, version: ModelVersion
) -> None:
    body = {"archive": archive(), "dataset": "new", "dry_run": True}
    checked = api("curator").post(f"{API}imports/", body, format="multipart").json()["id"]
    tasks.run_import(checked)
    assert 'name="classify_with"' in curator.get(f"/imports/{checked}/").content.decode()
    curator.post(f"/imports/{checked}/", {"action": "import", "classify_with": str(version)})
    job = ImportJob.objects.latest("pk")
    tasks.run_import(job.pk)
    job.refresh_from_db()
    page = curator.get(f"/imports/{job.pk}/").content.decode()
    assert f"/classify/datasets/{job.inference_id}/" in page
    assert f"/imports/{job.pk}/" in curator.get(f"/classify/datasets/{job.inference_id}/").content.decode()
