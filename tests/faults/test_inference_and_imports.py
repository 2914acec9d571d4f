"""Inference and imports whose worker ends in the middle: what was stored stays, the rest follows, once."""

import zipfile
from pathlib import Path

import pytest

from tests.factories import png
from tests.faults.conftest import IMAGES
from tests.faults.installation import QUICK, Installation
from tests.faults.saboteur import Harm, mark_of
from tests.faults.servers import PATIENCE, until

pytestmark = [pytest.mark.slow, pytest.mark.keras]
# More than one batch of either.
IMPORTED = 250
QUEUES = "inference,maintenance"
# Each harm comes after the first batch was stored and before its end was reported.
STORED = {
    # Its first report is that nothing was stored before.
    "InferenceChunk": ("training_jobs.chunking:ChunkReports.__call__", 2),
    "ImportJob": ("datasets.importing.storing:Storing._store_batch", 1),
}
TABLES = {"InferenceChunk": "training_jobs_inferencechunk", "ImportJob": "training_jobs_importjob"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip with class folders."""
    path = tmp_path / "more.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(IMPORTED):
            name = "BlotGel" if number % 2 else "Microscopy"
            packed.writestr(f"{name}/more-{number}.png", png(10_000 + number))
    return path


@pytest.mark.parametrize("deed", ["end", "kill", "kill the worker"])
def test_jobs_whose_worker_ends_in_the_middle_are_done_once_and_whole(
    installation: Installation, archive: Path, deed: str
) -> None:
    installation.start_reaper()
    run = installation.queue_run("net", *QUICK)
    installation.start_worker()
    assert carried_out_in_spite_of(installation, deed, "ImportJob", queued_import(archive))
    assert installation.rows("SELECT count(*) FROM datasets_image") == [(IMAGES + IMPORTED,)]
    assert installation.rows("SELECT count(*) FROM datasets_label") == [(IMAGES + IMPORTED,)]
    assert installation.wait_for(run, "succeeded", "failed", "dead")["state"] == "succeeded"
    assert carried_out_in_spite_of(installation, deed, "InferenceChunk", QUEUED_INFERENCE)
    ended = "SELECT state FROM training_jobs_inferencejob"
    until(lambda: installation.rows(ended) == [("succeeded",)], what="the end of the job")
    said = "SELECT count(*), count(DISTINCT image_id) FROM classifier_prediction"
    assert installation.rows(said) == [(IMAGES + IMPORTED, IMAGES + IMPORTED)]
    installation.manage("reap")
    assert not list(installation.data_dir.glob("scratch/*"))


QUEUED_INFERENCE = (
    "from classifier.models import ModelVersion; from datasets.models import Dataset; "
    "from training_jobs.launching import queue_inference; "
    "queue_inference(Dataset.objects.get(), version=ModelVersion.objects.get())"
)


def queued_import(archive: Path) -> str:
    """Return what queues the import of an archive."""
    return (
        "from pathlib import Path; from training_jobs.launching import queue_import; "
        f"queue_import(Path('{archive}'), dataset_slug='panels', dry_run=False)"
    )


def carried_out_in_spite_of(installation: Installation, deed: str, kind: str, queue: str) -> bool:
    """Whether a job succeeds in a second attempt, after its worker ended in the first."""
    step, call = STORED[kind]
    worker = installation.start_saboteur({kind: Harm(deed, step, after=True, call=call)}, queues=QUEUES)
    installation.manage("shell", "-c", queue)
    until(mark_of(installation.data_dir, kind).exists, what=f"harm to {kind}")
    row = f"SELECT state, attempt, given_back FROM {TABLES[kind]}"
    if deed != "kill":
        worker.wait(timeout=PATIENCE)
        if deed == "end":
            assert installation.rows(row) == [("queued", 1, 1)]
        worker = installation.start_worker("next", queues=QUEUES)
    until(lambda: installation.rows(row)[0][0] in ("succeeded", "failed", "dead"), what=f"the end of {kind}")
    # The next job is for a saboteur again.
    worker.terminate()
    worker.wait(timeout=PATIENCE)
    return installation.rows(row) == [("succeeded", 2, int(deed == "end"))]
