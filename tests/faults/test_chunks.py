"""Inference in chunks by several workers that are killed again and again: each image has one prediction."""

import sys
from pathlib import Path

import pytest

from tests.factories import png
from tests.faults.installation import QUICK, Installation
from tests.faults.servers import until

pytestmark = [pytest.mark.slow, pytest.mark.keras]
IMAGES = 2000
CHUNKS = {"BIOFORS_INFERENCE_CHUNK_IMAGES": "100"}
QUEUE = (
    "from classifier.models import ModelVersion; from datasets.models import Dataset; "
    "from training_jobs.launching import queue_inference; "
    "queue_inference(Dataset.objects.get(slug='many'), version=ModelVersion.objects.get())"
)
SAID = (
    "SELECT count(*), count(DISTINCT image_id) FROM classifier_prediction p "
    "JOIN datasets_image i ON i.id = p.image_id JOIN datasets_dataset d ON d.id = i.dataset_id "
    "WHERE d.slug = 'many'"
)
JOB = "SELECT state, new_predictions, failed FROM training_jobs_inferencejob"
CANCEL_AT_WORK = """
import time
from training_jobs.models import InferenceChunk, InferenceJob
print("waiting", flush=True)
while len(set(InferenceChunk.objects.filter(state="running").values_list("worker", flat=True))) < 2:
    time.sleep(0.02)
InferenceJob.objects.get().cancel()
"""
AT_WORK = "SELECT DISTINCT worker FROM training_jobs_inferencechunk WHERE state = 'running'"


@pytest.fixture
def ready(installation: Installation, tmp_path: Path) -> Installation:
    """An installation with a small CNN, 2,000 images that it has not seen, and a reaper."""
    run = installation.queue_run("net", *QUICK)
    trainer = installation.start_worker()
    for number in range(IMAGES):
        image = tmp_path / "many" / f"{number}.png"
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(png(20_000 + number))
    installation.manage("import_folder", str(tmp_path / "many"), "--dataset", "many")
    installation.wait_for(run, "succeeded")
    installation.kill(trainer)
    installation.start_reaper()
    return installation


def said(installation: Installation) -> int:
    """Return how many predictions there are."""
    return int(installation.rows(SAID)[0][0])


def wait_for_work(installation: Installation) -> None:
    """Wait until a worker is in the middle of a chunk, and more is stored than there was."""
    before = said(installation)
    until(lambda: installation.rows(AT_WORK) and said(installation) > before, what="work")


def state(installation: Installation) -> str:
    """Return the state of the one job."""
    return str(installation.rows(JOB)[0][0])


def test_five_kills_leave_each_image_exactly_one_prediction(ready: Installation) -> None:
    workers = [ready.start_worker(f"w{number}", queues="inference", **CHUNKS) for number in (1, 2)]
    ready.manage("shell", "-c", QUEUE)
    until(lambda: len(ready.rows(AT_WORK)) == 2, what="two workers at once")
    for kill in range(4):
        wait_for_work(ready)
        assert state(ready) == "running"
        ready.kill(workers.pop(0))
        if kill == 2:
            # All of them: nobody is at work for a while.
            ready.kill(workers.pop(0))
            workers.append(ready.start_worker(f"all{kill}", queues="inference", **CHUNKS))
        workers.append(ready.start_worker(f"next{kill}", queues="inference", **CHUNKS))
    until(lambda: state(ready) not in ("queued", "running"), what=f"the end\n{ready.logs()}", seconds=300)
    assert ready.rows(JOB) == [("succeeded", IMAGES, 0)], ready.logs()
    assert ready.rows(SAID) == [(IMAGES, IMAGES)]
    assert "database is locked" not in ready.logs()


def test_a_job_at_work_on_two_workers_is_cancelled_within_seconds_and_goes_on(ready: Installation) -> None:
    # A command begins too slowly to meet the job at work: this one is there before it.
    ready.start("cancels", sys.executable, "manage.py", "shell", "--no-imports", "-c", CANCEL_AT_WORK)
    until(lambda: "waiting" in ready.logs(), what="who cancels")
    for number in (1, 2):
        ready.start_worker(f"w{number}", queues="inference", **CHUNKS)
    ready.manage("shell", "-c", QUEUE)
    until(lambda: state(ready) in ("cancelling", "cancelled"), what=f"a cancel\n{ready.logs()}")
    until(lambda: state(ready) == "cancelled", what="the end of the job", seconds=15)
    stored = said(ready)
    assert stored < IMAGES
    job = "from training_jobs.models import InferenceJob; job = InferenceJob.objects.get(); "
    ready.manage("shell", "-c", f"from training_jobs.launching import retry; {job}retry(job)")
    until(lambda: state(ready) == "succeeded", what=f"the end\n{ready.logs()}", seconds=300)
    assert ready.rows(SAID) == [(IMAGES, IMAGES)]
