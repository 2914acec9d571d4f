"""Training runs, inference, evaluations and imports over REST; no worker runs here."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from classifier.abstaining import set_threshold
from datasets.models import Image, Split
from tests.factories import ImageFactory, PaperFactory, png
from tests.factories_models import (
    ImportJobFactory,
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    predict_all,
)
from tests.rest import API, api, assert_error
from training_jobs import archives
from training_jobs.models import EpochMetric, ImportJob, InferenceJob, TrainingRun

__all__ = ["api"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
Api = Callable[..., APIClient]


def test_a_run_is_queued_watched_cancelled_and_retried(
    api: Api, split: Split, woken: Any, django_capture_on_commit_callbacks: Any
) -> None:
    client = api("curator")
    body = {"split": split.pk, "architecture": "cnn", "name": "first", "config": {"epochs": 3}}
    with django_capture_on_commit_callbacks(execute=True):
        queued = client.post(f"{API}training-runs/", body, format="json")
    assert queued.status_code == 202
    assert woken.call_count == 1
    run = queued.json()
    assert (run["state"], run["queue_position"], run["split"], run["config"]["epochs"]) == (
        "queued",
        1,
        split.pk,
        3,
    )
    route = queued["Location"]
    EpochMetric.objects.create(
        run_id=run["id"], attempt=1, epoch=1, loss=1.5, accuracy=0.5, learning_rate=0.001, seconds=2
    )
    shown = api("viewer").get(route).json()
    assert [(each["epoch"], each["loss"], each["val_loss"]) for each in shown["epochs"]] == [(1, 1.5, None)]
    assert client.post(f"{route}cancel/").json()["state"] == "cancelled"
    assert_error(client.post(f"{route}cancel/"), 409, "illegal_move")
    again = client.post(f"{route}retry/")
    assert (again.status_code, again.json()["state"]) == (202, "queued")
    assert_error(client.post(f"{route}retry/"), 409, "illegal_move")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"split": "none"}, 404, "unknown_split"),
        ({"split": None}, 400, "invalid"),
        ({"architecture": "vgg"}, 400, "invalid"),
        ({"config": {"epochs": 0}}, 400, "invalid_config"),
        ({"config": {"color": 1}}, 400, "invalid_config"),
        ({"config": {"weights": "/etc/passwd"}}, 400, "invalid_config"),
        ({"config": [1]}, 400, "invalid"),
        ({"name": "a b"}, 400, "bad_name"),
    ],
)
def test_a_run_that_cannot_be_says_why(
    api: Api, split: Split, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"split": "d/s", "architecture": "cnn", **change}
    assert_error(api().post(f"{API}training-runs/", body, format="json"), status, code)
    assert not TrainingRun.objects.exists()


def test_a_failed_run_tells_its_own_error(api: Api) -> None:
    run = TrainingRunFactory(state="failed", error_code="diverged", error="The loss is no number any more.")
    body = api("viewer").get(f"{API}training-runs/{run.pk}/").json()
    assert body["error"] == {"code": "diverged", "detail": "The loss is no number any more."}
    assert (body["model"], body["progress"]["share"]) == (None, 0)


def test_runs_are_filtered(api: Api, split: Split, django_assert_max_num_queries: Any) -> None:
    runs = [TrainingRunFactory(split=split, state=state) for state in ("failed", "cancelled", "cancelled")]
    client = api("viewer")

    def listed(query: str) -> list[int]:
        return [each["id"] for each in client.get(f"{API}training-runs/?{query}").json()["results"]]

    with django_assert_max_num_queries(6):
        assert listed("") == [run.pk for run in reversed(runs)]
    assert listed("state=failed&dataset=d&split=d/s") == [runs[0].pk]
    assert listed("name=none") == []
    for query in ("state=lost", "dataset=none", "split=none", "architecture=vgg"):
        assert_error(client.get(f"{API}training-runs/?{query}"), 400, "invalid")


def test_bulk_inference_is_queued_and_its_results_read(api: Api, split: Split) -> None:
    version = ModelVersionFactory()
    client = api("curator")
    queued = client.post(f"{API}inference-jobs/", {"dataset": "d", "model": str(version)}, format="json")
    assert queued.status_code == 202
    job = queued.json()
    assert (job["kind"], job["dataset"], job["model"], job["state"]) == ("dataset", "d", version.pk, "queued")
    images = Image.objects.filter(dataset=split.dataset)
    predict_all(version, images, wrong=1)
    ImageFactory()
    response = client.get(f"{API}inference-jobs/{job['id']}/results.csv", headers={"Accept": "text/csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert len(rows) == images.count()
    assert sum(row["label"] != row["predicted"] for row in rows) == 1
    assert float(rows[0]["confidence"]) == 0.9
    assert {(row["calibrated_confidence"], row["abstained"]) for row in rows} == {("", "0")}
    set_threshold(version, abstain_below=0.95, reason="strict")
    again = client.get(f"{API}inference-jobs/{job['id']}/results.csv")
    assert {row["abstained"] for row in csv.DictReader(io.StringIO(again.getvalue().decode()))} == {"1"}
    assert client.post(f"{API}inference-jobs/{job['id']}/cancel/").json()["state"] == "cancelled"


def test_inference_that_cannot_be_says_why(api: Api, split: Split) -> None:
    client = api()
    for body, status, code in [
        ({"dataset": "d"}, 503, "no_model"),
        ({"dataset": "d", "model": "none"}, 404, "unknown_model"),
        ({"dataset": "none"}, 404, "unknown_dataset"),
        ({}, 400, "invalid"),
    ]:
        assert_error(client.post(f"{API}inference-jobs/", body, format="json"), status, code)
    assert not InferenceJob.objects.exists()


def test_an_evaluation_is_queued_as_a_job(api: Api, split: Split) -> None:
    version = ModelVersionFactory()
    client = api()
    queued = client.post(f"{API}evaluations/", {"model": version.pk, "split": split.pk}, format="json")
    assert queued.status_code == 202
    job = client.get(queued["Location"]).json()
    assert (job["kind"], job["subset"], job["split"], job["evaluation"]) == (
        "evaluation",
        "test",
        split.pk,
        None,
    )
    for change, status, code in [
        ({"model": 9999}, 404, "unknown_model"),
        ({"split": "x"}, 404, "unknown_split"),
        ({"subset": "all"}, 400, "invalid"),
    ]:
        body = {"model": version.pk, "split": split.pk, **change}
        assert_error(client.post(f"{API}evaluations/", body, format="json"), status, code)


def archive() -> SimpleUploadedFile:
    """A zip with one labelled image."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("classification.json", json.dumps({"1": {"010101.png": "FACS"}}))
        packed.writestr("images/1/010101.png", png(0))
    return SimpleUploadedFile("panels.zip", written.getvalue())


def test_an_archive_is_checked_then_imported(api: Api, data_dir: Any) -> None:
    client = api("curator")
    body = {"archive": archive(), "dataset": "new", "dry_run": "true"}
    queued = client.post(f"{API}imports/", body, format="multipart")
    assert queued.status_code == 202
    job = queued.json()
    assert (job["dataset"], job["archive"], job["dry_run"], job["result"]) == (
        "new",
        "panels.zip",
        True,
        None,
    )
    assert str(data_dir) not in queued.content.decode()
    early = client.post(f"{API}imports/", {"checked_by": job["id"]}, format="json")
    assert_error(early, 400, "not_checked")
    entries = {"created": ["1/010101.png"]}
    ImportJob.objects.filter(pk=job["id"]).update(state="succeeded", result={"created": 1}, entries=entries)
    shown = client.get(f"{API}imports/{job['id']}/").json()
    assert shown["result"] == {"created": 1, "entries": entries}
    second = client.post(f"{API}imports/", {"checked_by": job["id"]}, format="json").json()
    assert (second["dry_run"], second["checked_by"], second["dataset"]) == (False, job["id"], "new")


def test_an_archive_there_is_no_room_for_is_refused_before_it_is_read(
    api: Api, data_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    body = {"archive": archive(), "dataset": "new"}
    with patch("django.http.request.HttpRequest.parse_file_upload", side_effect=AssertionError("read")):
        response = api().post(f"{API}imports/", body, format="multipart")
    assert_error(response, 413, "archive_too_large")
    assert not (data_dir / "imports").exists()


def test_lists_leave_out_what_is_large_and_one_job_tells_it(api: Api) -> None:
    entries = {"conflicts": ["7/a.png: FAC here"]}
    checked = ImportJobFactory(state="succeeded", result={"conflicts": 1}, entries=entries)
    failure = {"image": 1, "file": "7/a.png", "code": "corrupt", "detail": "It is damaged."}
    job = InferenceJobFactory(state="succeeded", failures=[failure])
    client = api("viewer")
    with CaptureQueriesContext(connection) as asked:
        (listed_import,) = client.get(f"{API}imports/").json()["results"]
        (listed_job,) = client.get(f"{API}inference-jobs/").json()["results"]
    assert not [query for query in asked.captured_queries if '"entries"' in query["sql"]]
    assert not [query for query in asked.captured_queries if '"failures"' in query["sql"]]
    assert listed_import["result"] == {"conflicts": 1}
    assert ("failures" in listed_job, listed_job["failed"]) == (False, 1)
    assert client.get(f"{API}imports/{checked.pk}/").json()["result"]["entries"] == entries
    assert client.get(f"{API}inference-jobs/{job.pk}/").json()["failures"] == [failure]


def test_no_name_in_the_results_is_run_by_a_spreadsheet(api: Api, split: Split) -> None:
    version = ModelVersionFactory()
    job = InferenceJobFactory(version=version, dataset=split.dataset)
    paper = PaperFactory(dataset=split.dataset, identifier="@paper")
    names = ["=1+1.png", "+a.png", "-b.png", "@c.png", "plain.png"]
    for name in names:
        ImageFactory(paper=paper, file_name=name)
    predict_all(version, paper.images.all())
    response = api().get(f"{API}inference-jobs/{job.pk}/results.csv")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert [row["file"] for row in rows] == ["'=1+1.png", "'+a.png", "'-b.png", "'@c.png", "plain.png"]
    assert {row["paper"] for row in rows} == {"'@paper"}


def test_an_import_that_cannot_be_says_why(api: Api) -> None:
    client = api("curator")
    for body, code in [
        ({}, "invalid"),
        ({"dataset": "new"}, "invalid"),
        ({"archive": SimpleUploadedFile("a.zip", b"no zip"), "dataset": "new"}, "not_an_archive"),
        ({"archive": SimpleUploadedFile("a.zip", b""), "dataset": "new"}, "not_an_archive"),
        ({"archive": archive(), "dataset": "../x"}, "bad_slug"),
        ({"archive": archive(), "checked_by": "1"}, "invalid"),
        ({"checked_by": "99"}, "invalid"),
    ]:
        assert_error(client.post(f"{API}imports/", body, format="multipart"), 400, code)
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    ("route", "factory"), [("inference-jobs", InferenceJobFactory), ("imports", ImportJobFactory)]
)
def test_many_jobs_take_few_queries(
    api: Api, route: str, factory: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        factory(state="queued" if number % 2 else "failed")
    client = api("viewer")
    with django_assert_max_num_queries(6):
        results = client.get(f"{API}{route}/").json()["results"]
    assert [each["queue_position"] for each in results] == [0, 2, 0, 1, 0]
