"""Inference in chunks: planned once, taken by many; nothing twice, nothing left out."""

from typing import Any

import pytest
from django.utils import timezone

from classifier import predicting
from classifier.models import ModelVersion, Prediction
from datasets.models import Dataset
from datasets.store import path_of
from tests.factories import ImageFactory, UserFactory
from tests.factories_models import ModelVersionFactory, labelled_dataset
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import chunking, leases, running, tasks
from training_jobs.launching import queue_inference, retry
from training_jobs.leases import reap
from training_jobs.models import InferenceChunk, InferenceJob, Job, LeaseLost
from training_jobs.planning import cut

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_chunks(settings: Any) -> None:
    """Chunks of five images."""
    settings.INFERENCE_CHUNK_IMAGES = 5


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that messages were sent for."""
    sent: list[Any] = []

    def wake(job: Any) -> bool:
        sent.append(job)
        return True

    for module in (leases, running, chunking):
        monkeypatch.setattr(module, "wake", wake)
    return sent


@pytest.fixture
def dataset(woken: list[Any]) -> Dataset:
    """A dataset of 24 images, no two alike."""
    return labelled_dataset()


@pytest.fixture
def version() -> ModelVersion:
    """A version that answers."""
    version: ModelVersion = ModelVersionFactory(answers=True)
    return version


def planned(dataset: Dataset, version: ModelVersion, **options: Any) -> InferenceJob:
    """A job that was shared out; none of its chunks has begun."""
    job = queue_inference(dataset, version=version, **options)
    assert running.carry_out(job, worker="planner")
    job.refresh_from_db()
    return job


def work_off(job: InferenceJob) -> InferenceJob:
    """Carry out every chunk that waits."""
    while running.carry_out_chunk(job, worker="one"):
        pass
    job.refresh_from_db()
    return job


def test_images_of_the_same_bytes_stay_in_one_list() -> None:
    images = [(1, "a"), (9, "b"), (3, "b"), (4, "b"), (5, "c"), (2, "d")]
    assert list(cut(images, size=2)) == [[1], [3, 4, 9], [2, 5]]
    assert list(cut(images, size=100)) == [[1, 2, 3, 4, 5, 9]]
    assert list(cut([], size=2)) == []


def test_a_job_is_cut_into_chunks_that_hold_each_image_once(dataset: Dataset, version: ModelVersion) -> None:
    job = planned(dataset, version)
    held = [pk for ids in job.chunks.values_list("images", flat=True) for pk in ids]
    assert sorted(held) == sorted(dataset.images.values_list("pk", flat=True))
    assert [chunk.size for chunk in job.chunks.order_by("place")] == [5, 5, 5, 5, 4]
    assert (job.state, job.is_shared, job.done, job.total) == (Job.State.RUNNING, True, 0, 24)


def test_as_its_last_chunk_ends_the_job_ends_with_what_all_counted(
    dataset: Dataset, version: ModelVersion
) -> None:
    job = work_off(planned(dataset, version))
    assert (job.state, job.new_predictions, job.failed) == (Job.State.SUCCEEDED, 24, 0)
    assert (job.done, job.total, job.finished_at is not None) == (24, 24, True)
    assert Prediction.objects.count() == 24


def test_progress_and_rate_of_a_job_are_those_of_its_chunks(dataset: Dataset, version: ModelVersion) -> None:
    job = planned(dataset, version)
    assert (job.rate, job.seconds_left, job.ends_at) == (None, None, None)
    running.carry_out_chunk(job, worker="one")
    job.measure(every=chunking.MEASURED_EVERY * 0)
    job.refresh_from_db()
    assert (job.done, job.message) == (5, "Classified 5 of 24 images")
    assert job.rate is not None and job.rate > 0
    assert job.seconds_left == pytest.approx(19 / job.rate)
    assert job.ends_at is not None and job.ends_at > timezone.now()


def test_who_begins_a_chunk_wakes_another_for_the_next(
    dataset: Dataset, version: ModelVersion, woken: list[Any]
) -> None:
    job = planned(dataset, version)
    running.carry_out_chunk(job, worker="one")
    assert [str(chunk) for chunk in woken] == [f"chunk 2 of inference job {job.pk}"]
    work_off(job)
    assert len(woken) == 4


def test_many_workers_have_a_chunk_each(dataset: Dataset, version: ModelVersion) -> None:
    job = planned(dataset, version)
    for worker in ("one", "two", "three"):
        chunk = chunking.next_chunk(job)
        assert chunk is not None and chunk.claim(worker)
    assert list(job.chunks.at_work().order_by("place").values_list("place", "worker")) == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]
    assert job.workers_at_work == 3


def test_only_what_is_missing_is_planned(dataset: Dataset, version: ModelVersion) -> None:
    work_off(planned(dataset, version))
    ImageFactory(paper=dataset.papers.first(), file_name="new.png", seed=77)
    job = planned(dataset, version)
    assert (job.known, job.done, job.total) == (24, 24, 25)
    assert (work_off(job).new_predictions, job.done) == (1, 25)
    nothing = planned(dataset, version)
    assert (nothing.state, nothing.done, nothing.total) == (Job.State.SUCCEEDED, 25, 25)


def test_the_same_bytes_are_read_once_and_a_prediction_of_them_counts_elsewhere(
    dataset: Dataset, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    predict = predicting.predict

    def counted(engine: Any, images: Any) -> Any:
        read.extend(image.pk for image in images)
        return predict(engine, images)

    monkeypatch.setattr(predicting, "predict", counted)
    paper = dataset.papers.first()
    for number in range(7):
        ImageFactory(paper=paper, file_name=f"copy-{number}.png", seed=1234)
    job = work_off(planned(dataset, version))
    assert (job.new_predictions, len(read)) == (31, 25)
    copies = Prediction.objects.filter(image__file_name__startswith="copy-")
    assert len({tuple(each.probabilities) for each in copies}) == 1
    other = labelled_dataset(slug="other")
    job = work_off(planned(other, version))
    assert (job.new_predictions, len(read)) == (24, 25)


def test_copies_of_bytes_that_cannot_be_read_are_all_listed(dataset: Dataset, version: ModelVersion) -> None:
    paper = dataset.papers.first()
    copies = [ImageFactory(paper=paper, file_name=f"copy-{number}.png", seed=1234) for number in range(3)]
    path_of(copies[0].sha256).unlink()
    job = work_off(planned(dataset, version))
    assert (job.state, job.failed, job.new_predictions) == (Job.State.SUCCEEDED, 3, 24)
    assert [failure["image"] for failure in job.every_failure()] == [copy.pk for copy in copies]
    assert [failure["file"][-10:] for failure in job.failures] == ["copy-0.png", "copy-1.png", "copy-2.png"]


def test_the_chunk_of_a_lost_worker_is_taken_up_and_nothing_is_there_twice(
    dataset: Dataset, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, woken: list[Any]
) -> None:
    job = planned(dataset, version)
    store = chunking.store_predictions

    def store_and_die(*args: Any) -> int:
        store(*args[:1], args[1][:2])
        raise SystemExit

    monkeypatch.setattr(chunking, "store_predictions", store_and_die)
    with pytest.raises(SystemExit):
        running.carry_out_chunk(job, worker="lost")
    monkeypatch.setattr(chunking, "store_predictions", store)
    let_lease_expire(job.chunks.at_work().get())
    assert reap().requeued == [f"chunk 1 of inference job {job.pk}"]
    assert str(woken[-1]) == f"chunk 1 of inference job {job.pk}"
    assert (work_off(job).state, job.new_predictions) == (Job.State.SUCCEEDED, 24)
    assert Prediction.objects.count() == 24


def test_a_worker_that_lost_its_chunk_stores_nothing_more(dataset: Dataset, version: ModelVersion) -> None:
    job = planned(dataset, version)
    chunk = chunking.next_chunk(job)
    assert chunk is not None and chunk.claim("slow")
    let_lease_expire(chunk)
    seen_elsewhere(chunk).take_back()
    with pytest.raises(LeaseLost):
        chunk.count_new(3)
    assert seen_elsewhere(chunk).new_predictions == 0


def test_a_chunk_lost_three_times_is_dead_and_a_retry_does_what_is_missing(
    dataset: Dataset, version: ModelVersion
) -> None:
    job = planned(dataset, version)
    for _ in range(3):
        chunk = chunking.next_chunk(job)
        assert chunk is not None and chunk.claim("unlucky") and chunk.place == 1
        let_lease_expire(chunk)
        summary = reap()
    assert summary.dead == [f"chunk 1 of inference job {job.pk}"]
    assert (work_off(job).state, job.new_predictions) == (Job.State.FAILED, 19)
    assert (job.error_code, job.error.split(":")[0]) == ("worker_lost", "5 images were left undone")
    retry(job)
    tasks.infer(job.pk)
    assert (work_off(job).state, job.new_predictions, job.error) == (Job.State.SUCCEEDED, 24, "")
    assert [chunk.attempt for chunk in job.chunks.order_by("place")] == [4, 1, 1, 1, 1]


def test_where_all_workers_died_after_the_last_chunk_the_reaper_ends_the_job(
    dataset: Dataset, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = planned(dataset, version)
    monkeypatch.setattr(running, "_conclude", lambda job: None)
    assert work_off(job).state == Job.State.RUNNING
    assert reap().advanced == [str(job)]
    assert seen_elsewhere(job).state == Job.State.SUCCEEDED


def test_cancelling_ends_chunks_that_wait_at_once_and_those_at_work_soon(
    dataset: Dataset, version: ModelVersion
) -> None:
    job = planned(dataset, version)
    running.carry_out_chunk(job, worker="one")
    chunk = chunking.next_chunk(job)
    assert chunk is not None and chunk.claim("two")
    job.cancel()
    assert job.state == Job.State.CANCELLING
    assert chunk.heartbeat()
    assert chunking.next_chunk(job) is None
    chunk.stopped()
    assert (job.conclude(), job.state, job.new_predictions) == (True, Job.State.CANCELLED, 5)
    retry(job)
    tasks.infer(job.pk)
    assert (work_off(job).state, Prediction.objects.count()) == (Job.State.SUCCEEDED, 24)


def test_a_chunk_given_back_while_its_job_was_cancelled_is_not_waited_for(
    dataset: Dataset, version: ModelVersion
) -> None:
    job = planned(dataset, version)
    job.cancel()
    assert job.state == Job.State.CANCELLED
    # As it would be had its worker given it back between the two steps of cancelling.
    InferenceJob.objects.update(state=Job.State.CANCELLING)
    InferenceChunk.objects.filter(place=1).update(state=Job.State.QUEUED)
    assert reap().advanced == [str(job)]


def test_a_job_cancelled_before_it_began_takes_no_worker(dataset: Dataset, version: ModelVersion) -> None:
    job = queue_inference(dataset, version=version)
    job.cancel()
    tasks.infer(job.pk)
    assert (seen_elsewhere(job).state, InferenceChunk.objects.count()) == (Job.State.CANCELLED, 0)


def test_what_fails_for_one_chunk_and_would_for_all_ends_the_job(
    dataset: Dataset, version: ModelVersion
) -> None:
    version.onnx_path.unlink()
    job = queue_inference(dataset, version=version, author=UserFactory())
    tasks.infer(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "artefact_missing")
    assert sorted(job.chunks.values_list("state", flat=True)) == ["cancelled"] * 4 + ["failed"]


def test_the_reaper_sends_one_message_for_a_job_however_many_chunks_wait(
    dataset: Dataset, version: ModelVersion, woken: list[Any]
) -> None:
    job = planned(dataset, version)
    InferenceChunk.objects.update(woken_at=timezone.now() - leases.RESEND_AFTER * 2)
    assert reap().resent == [f"chunk 1 of inference job {job.pk}"]
    assert reap().resent == []
