"""Bulk inference: from stored files to stored predictions, and what kills of workers cost."""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.served.installation import Installation
from benchmarks.served.recipe import Served
from benchmarks.served.rows import import_rows
from benchmarks.served.servers import end, kill

DATASET = "bulk"
PAPERS = 60
# Another seed than the sample's: bytes that a version has answered elsewhere need not be computed again.
SEED = 1
SHARE = 0.8
LEASE = 5
PATIENCE = 3600.0


def measure(made: Served, *, papers: int, rounds: int) -> dict[str, Any]:
    """Return images a second from stored files to stored predictions, and of decoding and engine alone."""
    drawn = made.installation.imported_sample(DATASET, papers=papers, seed=SEED)
    through: list[float] = []
    alone: list[dict[str, float]] = []
    for turn in range(rounds):
        read = made.installation.ask("benchmarks.served.reading", made.resnet, DATASET)
        alone.append(read["rates"])
        through.append(classified(made.installation, made.resnet))
        told = f"bulk {through[-1]:.1f}/s, decoding and engine alone {alone[-1]['joint']:.1f}/s"
        print(f"round {turn + 1}, {told}", flush=True)
    rate = statistics.median(through)
    stages = {name: statistics.median(each[name] for each in alone) for name in alone[0]}
    return {
        "images": drawn["images"],
        "precision": read["precision"],
        "rate": rate,
        "stages": stages,
        "share": round(rate / stages["joint"], 3),
        "holds": rate >= SHARE * stages["joint"],
    }


def classified(installation: Installation, version: int) -> float:
    """Forget a version's predictions of the dataset and let a job make them; return images a second."""
    from classifier.models import Prediction
    from training_jobs.models import InferenceJob

    Prediction.objects.filter(version_id=version, image__dataset__slug=DATASET).delete()
    told = installation.told("classify_dataset", DATASET, "--model", version, "--wait")
    job = InferenceJob.objects.get(pk=told["id"])
    if told["failures"] or job.started_at is None or job.finished_at is None:
        raise SystemExit(f"{job} ended {job.state}: {told['failures'][:3]}")
    return float(told["predictions"] / (job.finished_at - job.started_at).total_seconds())


def kills(made: Served, *, rows: int, times: int, workers: int = 2) -> dict[str, Any]:
    """Let the tiny CNN classify many small images while workers are killed; return what is in the database.

    A killed worker is started again, as `serve` does.
    """
    from classifier.models import Prediction
    from training_jobs.models import InferenceJob

    installation, dataset = made.installation, f"rows-{rows}"
    import_rows(installation, dataset, rows)
    stored = Prediction.objects.filter(version_id=made.tiny, image__dataset__slug=dataset)
    stored.delete()
    began, killed = time.monotonic(), 0
    with at_work(installation, workers) as (running, start):
        job = int(installation.told("classify_dataset", dataset, "--model", made.tiny)["id"])
        while InferenceJob.objects.get(pk=job).is_active:
            if killed < times and stored.count() >= (killed + 1) * rows // (times + 1):
                kill(running[killed % workers])
                running[killed % workers] = start(killed % workers)
                killed += 1
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"Inference job {job} has not ended within {PATIENCE:g} s.")
            time.sleep(0.2)
    ended = InferenceJob.objects.get(pk=job)
    told = {
        "rows": rows,
        "kills": killed,
        "state": ended.state,
        "predictions": stored.count(),
        "images": stored.values("image").distinct().count(),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(f"kills: {told}{f' {ended.error}' if ended.error else ''}", flush=True)
    exact = told["predictions"] == told["images"] == rows and ended.state == InferenceJob.State.SUCCEEDED
    return {**told, "holds": exact and killed == times}


@contextmanager
def at_work(installation: Installation, workers: int) -> Iterator[tuple[list[Any], Any]]:
    """Run inference workers and the reaper; yield the workers, and what starts one in a place of theirs."""
    from biofors_site.serving import worker_command

    lease = {"BIOFORS_JOB_LEASE_SECONDS": str(LEASE)}

    def start(place: int) -> Any:
        command = list(worker_command("inference,maintenance"))
        # Two of one name would be taken for one.
        command[command.index("--hostname") + 1] = f"inference-{place}-{time.monotonic_ns()}@%h"
        return installation.start(*command, log=f"worker-{place}", **lease)

    running = [start(place) for place in range(workers)]
    reaper = installation.start(sys.executable, "manage.py", "reap", "--every", "1", log="reaper", **lease)
    try:
        yield running, start
    finally:
        for process in (*running, reaper):
            end(process)


def tell(measured: dict[str, Any]) -> None:
    """Say how quick it was."""
    print(
        f"\nbulk: {measured['rate']:.1f} images a second from files to stored predictions, "
        f"{measured['share']:.2f} of decoding and engine alone ({measured['stages']['joint']:.1f})"
    )
