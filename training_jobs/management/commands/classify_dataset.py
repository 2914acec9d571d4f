"""Queue a version's predictions over a dataset, and wait for them if asked to."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.models import Prediction
from classifier.registry import find_model
from datasets.management.output import JsonCommand
from datasets.queries import find_dataset
from training_jobs.following import follow
from training_jobs.launching import queue_inference
from training_jobs.models import InferenceJob

_NAMED = 20


class Command(JsonCommand):
    """`classify_dataset DATASET [--model MODEL] [--wait]`."""

    help = "Let a model classify every image of a dataset; labels are never changed."

    def add_options(self, parser: CommandParser) -> None:
        """Add dataset, model."""
        parser.add_argument("dataset", metavar="DATASET")
        parser.add_argument("--model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--wait", action="store_true", help="show progress until it ends")

    def run(self, **options: Any) -> dict[str, Any]:
        """Queue; with --wait follow to the end and tell what is new."""
        dataset = find_dataset(options["dataset"])
        job = queue_inference(dataset, version=find_model(options["model"]))
        self.say(f"Inference job {job.pk} is queued: {job.version} over {dataset.slug}")
        if options["wait"]:
            follow(job, say=self.tell)
        else:
            self.say("An inference worker takes it (./run serve).")
        return self._told(job, finished=options["wait"])

    def _told(self, job: InferenceJob, *, finished: bool) -> dict[str, Any]:
        """Tell what came of it."""
        told: dict[str, Any] = {
            "id": job.pk,
            "state": job.state,
            "dataset": job.dataset.slug,
            "model": {"id": job.version.pk, "name": job.version.name, "version": job.version.version},
        }
        if not finished:
            return told
        predictions = Prediction.objects.of(job.version).filter(image__dataset=job.dataset).count()
        self.say(f"{predictions:,} predictions of {job.version}, {job.new_predictions:,} of them new")
        failures = list(job.every_failure())
        for failure in failures[:_NAMED]:
            self.warn(f"{failure['file']}: {failure['detail']}")
        if len(failures) > _NAMED:
            self.warn(f"and {len(failures) - _NAMED:,} more could not be read")
        return told | {"predictions": predictions, "new": job.new_predictions, "failures": failures}
