"""The nearest training images, or the job that prepares them: many vectors are made by a worker."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from classifier.explaining.neighbours import (
    NEAREST,
    Neighbour,
    TrainingVectors,
    check_count,
    nearest_training_images,
    training_images,
)
from classifier.models import ModelVersion
from datasets.errors import Refused
from datasets.models import Image
from training_jobs.launching import wake_after_commit
from training_jobs.leases import Claim, Reports
from training_jobs.models import InferenceJob

# So many are made while one waits.
AT_ONCE = 64


class NotPrepared(Refused):
    """Raised where the job that was to prepare the neighbours did not come to its end."""

    code = "neighbours_not_prepared"
    status = 409


@dataclass(frozen=True)
class Neighbours:
    """The nearest of `total` training images; `copies` of them have the bytes of the image asked for.

    Where `job` is set they are being prepared: `done` of `total` are ready, and none is shown yet.
    """

    version: ModelVersion
    total: int
    done: int
    copies: int
    nearest: list[Neighbour]
    job: InferenceJob | None = None


def find_neighbours(image: Image, version: ModelVersion, *, user: Any, k: int = NEAREST) -> Neighbours:
    """Return the training images nearest to an image, or how far their preparation is.

    Raises NotPrepared, NoTrainingSet, ModelUnusable, BytesMissing, ImageRefused,
    `Refused` (bad_count, not_explainable, disk_full).
    """
    check_count(k)
    images = training_images(version, user)
    vectors = TrainingVectors(version)
    missing = len(vectors.missing(images))
    copies = sum(each.sha256 == image.sha256 for each in images)
    if missing > AT_ONCE and (job := _preparing(version, missing=missing, user=user)):
        done = job.done if job.total else len(images) - missing
        return Neighbours(version, len(images), done, copies, [], job)
    if missing <= AT_ONCE:
        missing = len(vectors.make(images))
    found = nearest_training_images(image, vectors, images, k=k)
    return Neighbours(version, len(images), len(images) - missing, copies, found)


def prepare_vectors(job: InferenceJob, claim: Claim) -> None:
    """Make the vectors of the training images of a job's version, and end the job."""
    reports = Reports(job)
    unreadable = TrainingVectors(job.version).make(
        training_images(job.version),
        progress=lambda done, total: reports(done, total, f"Prepared {done:,} of {total:,} training images"),
        should_stop=claim.should_stop,
    )
    job.succeed(
        failures=[each.as_dict() for each in unreadable],
        failed=len(unreadable),
        message=f"The training images are prepared, {len(unreadable):,} could not be read",
    )


@transaction.atomic
def _preparing(version: ModelVersion, *, missing: int, user: Any) -> InferenceJob | None:
    """Return the job that prepares a version's vectors, queued now if need be; None where one has.

    Raises NotPrepared.
    """
    rows = InferenceJob.objects.filter(version=version, kind=InferenceJob.Kind.VECTORS)
    job = rows.order_by("-pk").first()
    if job and job.is_active:
        return job
    if job and job.state != InferenceJob.State.SUCCEEDED:
        raise NotPrepared(
            f"The training images of {version} were not prepared: job {job.pk} is {job.state}"
            + (f" ({job.error})" if job.error else "")
            + ". Retry it on its page."
        )
    if job and job.failed >= missing:
        # What is missing cannot be read.
        return None
    assert version.split is not None
    job = InferenceJob.objects.create(
        kind=InferenceJob.Kind.VECTORS, version=version, dataset=version.split.dataset, created_by=user
    )
    wake_after_commit(job)
    return job
