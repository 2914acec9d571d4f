"""Mirror training runs in MLflow: those that are behind, or those named."""

from typing import Any

from django.core.management.base import CommandParser

from datasets.errors import Refused
from datasets.management.output import JsonCommand
from training_jobs.management.going_on import until_ended
from training_jobs.mirroring import catch_up, mirror_for_ever, why_not
from training_jobs.models import TrainingRun


class Command(JsonCommand):
    """`mirror [RUN...] [--every SECONDS]`."""

    help = "Bring the mirror of training runs in MLflow (MLFLOW_TRACKING_URI) up to what is known here."

    def add_options(self, parser: CommandParser) -> None:
        """Add which runs, and how often."""
        parser.add_argument("runs", nargs="*", type=int, metavar="RUN", help="ids (all that are behind)")
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on until ended")

    def run(self, **options: Any) -> dict[str, Any]:
        """Catch up once, or until told to end."""
        if options["every"] is not None:
            every = options["every"]
            mirror_for_ever(every=every, say=self.say, ended=until_ended(every))
            return {}
        if told := why_not():
            raise Refused(told, code="not_mirrored")
        self._check(options["runs"])
        summary = catch_up(options["runs"] or None)
        for run in summary.mirrored:
            self.say(f"mirrored: {run}")
        if not summary.mirrored and not summary.failed:
            self.say("Nothing to do: no run is behind.")
        if summary.failed:
            told = "; ".join(f"{run}: {reason}" for run, reason in summary.failed.items())
            raise Refused(f"Runs that are behind: {summary.behind}. {told}", code="mirror_behind")
        return summary.as_dict()

    def _check(self, wanted: list[int]) -> None:
        known = set(TrainingRun.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        if unknown := sorted(set(wanted) - known):
            raise Refused(f"There is no run {', '.join(map(str, unknown))}.", code="unknown_run")
