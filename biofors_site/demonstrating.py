"""The demo: a drawn sample, imported and split, and a first model trained on it through the queue."""

import os
import secrets
import shutil
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import close_old_connections

from classifier.aliases import promote
from classifier.models import Alias, Evaluation, ModelVersion
from classifier.models.registry import CHAMPION
from classifier.telling import told_evaluation
from datasets.errors import Refused
from datasets.models import Split, Subset
from training_jobs.launching import queue_inference, queue_training
from training_jobs.models import InferenceJob, Job, TrainingRun

DATASET = "sample"
SPLIT = "demo"
MODEL = "demo"
RATIOS = "65:15:20"
EPOCHS = 12
_POLL = 0.5

Say = Callable[[str], None]


class DemoFailed(Refused):
    """Raised where a job of the demo did not succeed."""

    code = "demo_failed"


def prepare_site() -> str:
    """Make database, roles and first administrator; return who logs in with what, as a sentence."""
    given = os.environ.get("BIOFORS_ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    os.environ["BIOFORS_ADMIN_PASSWORD"] = password
    try:
        printed = StringIO()
        call_command("bootstrap", stdout=printed)
    finally:
        # No process started from here needs it.
        del os.environ["BIOFORS_ADMIN_PASSWORD"]
        if given:
            os.environ["BIOFORS_ADMIN_PASSWORD"] = given
    if password in printed.getvalue():
        name = os.environ.get("BIOFORS_ADMIN_USER") or "admin"
        return f"user {name}, password {password}"
    first = _first_administrator()
    return (
        f"user {first.get_username()}, the password printed at the first start "
        f"(a new one: ./run manage changepassword {first.get_username()})"
    )


def prepare_data(*, papers: int | None, say: Say) -> Split:
    """Draw the sample, import it and split it by paper; what stands already is kept."""
    standing = Split.objects.filter(dataset__slug=DATASET, name=SPLIT).first()
    if standing:
        say(f"The sample stands already: split {standing}, {_images_in(standing)}")
        return standing
    drawn = _draw_sample(papers=papers, say=say)
    say("Importing the sample's images and labels")
    call_command(
        "import_biofors", str(drawn / "classification.json"), images=drawn / "images", dataset=DATASET
    )
    say(f"Splitting it by whole papers, {RATIOS}")
    call_command("make_split", DATASET, name=SPLIT, ratios=RATIOS)
    return Split.objects.get(dataset__slug=DATASET, name=SPLIT)


def train_first_model(split: Split, *, epochs: int, say: Say) -> ModelVersion:
    """Train the CNN through the queue and make it champion where there is none; raises DemoFailed."""
    close_old_connections()
    ours = TrainingRun.objects.filter(split=split, name=MODEL, version_removed="")
    run = ours.filter(state__in=(Job.State.SUCCEEDED, *Job.ACTIVE)).order_by("id").first()
    if run is None:
        run = queue_training(
            split,
            architecture=ModelVersion.Architecture.CNN,
            name=MODEL,
            # The demo's images are drawn themselves, and whoever waits for it would wait longer.
            config={"epochs": epochs, "drawn_papers": 0, "layout": "pooled"},
            author=_first_administrator(),
        )
        say(f"Training a CNN on {split} for {epochs} epochs: run {run.pk} waits for the training worker")
    version = _follow(run, say=say)
    evaluation = Evaluation.objects.filter(version=version, split=split, subset=Subset.TEST).first()
    for line in told_evaluation(evaluation) if evaluation else [f"{version} has no test scores"]:
        say(line)
    if not Alias.objects.filter(name=CHAMPION).exists():
        promote(version, alias=CHAMPION, reason="The demo's first model", author=_first_administrator())
        say(f"Promoted {version} to {CHAMPION}: it answers from now on")
    return version


def classify_sample(split: Split, *, version: ModelVersion, say: Say) -> None:
    """Put a version's predictions beside the sample's labels, once; raises DemoFailed."""
    ours = InferenceJob.objects.filter(dataset=split.dataset, version=version, kind=InferenceJob.Kind.DATASET)
    job = ours.filter(state__in=(Job.State.SUCCEEDED, *Job.ACTIVE)).order_by("id").first()
    if job is None:
        job = queue_inference(split.dataset, version=version, author=_first_administrator())
        say(f"Classifying {split.dataset} with {version}: what it sees stands beside the labels")
    while job.is_active:
        time.sleep(_POLL)
        job.refresh_from_db()
    _check_succeeded(job)


def _draw_sample(*, papers: int | None, say: Say) -> Path:
    """Draw the sample under the data directory, whole or not at all; return its folder."""
    folder = Path(settings.DATA_DIR) / "sample"
    if not folder.exists():
        say(f"Drawing the synthetic sample into {folder}")
        unfinished = folder.with_name("sample.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        options = {} if papers is None else {"papers": papers}
        call_command("make_sample", str(unfinished), **options)
        unfinished.replace(folder)
    return folder


def _follow(run: TrainingRun, *, say: Say) -> ModelVersion:
    """Tell what a run does until it ends; return its version. Raises DemoFailed."""
    if run.version is not None:
        say(f"A model stands already: {run.version}, of training run {run.pk}")
        return run.version
    told: set[tuple[int, int]] = set()
    message = ""
    while True:
        run.refresh_from_db()
        if run.message not in ("", message):
            message = run.message
            say(f"  {message}")
        for epoch in run.epochs.order_by("attempt", "epoch"):
            if (epoch.attempt, epoch.epoch) not in told:
                told.add((epoch.attempt, epoch.epoch))
                say(
                    f"  epoch {epoch.epoch}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.2f}"
                    f"{_validation(epoch.val_accuracy)}, {epoch.seconds:.0f} s"
                )
        if run.state == Job.State.SUCCEEDED and run.version is not None:
            return run.version
        if not run.is_active:
            _check_succeeded(run)
        time.sleep(_POLL)


def _check_succeeded(job: Job) -> None:
    """Raise DemoFailed where a job that has ended did not succeed."""
    if job.state != Job.State.SUCCEEDED:
        reason = job.error or "no reason was recorded"
        raise DemoFailed(f"The {job} ended {job.state}: {reason} ./run demo queues a new one.")


def _validation(accuracy: float | None) -> str:
    """Name the validation accuracy where there is one."""
    return "" if accuracy is None else f", on validation {accuracy:.2f}"


def _first_administrator() -> User:
    """Return the oldest administrator."""
    return get_user_model().objects.filter(is_superuser=True).earliest("id")


def _images_in(split: Split) -> str:
    """Say how many images each subset holds."""
    return ", ".join(f"{subset} {count}" for subset, count in split.counts["images"].items())
