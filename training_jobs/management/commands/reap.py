"""Take back the jobs of lost workers, and wake workers for those that wait."""

from typing import Any

from django.core.management.base import CommandParser

from datasets.management.output import JsonCommand
from training_jobs.leases import reap, reap_for_ever
from training_jobs.management.going_on import until_ended


class Command(JsonCommand):
    """`reap [--every SECONDS]`."""

    help = "Requeue jobs whose worker is lost, end those lost three times, wake workers for those that wait."

    def add_options(self, parser: CommandParser) -> None:
        """Add how often."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on until ended")

    def run(self, **options: Any) -> dict[str, Any]:
        """Reap once, or until told to end."""
        if options["every"] is not None:
            every = options["every"]
            reap_for_ever(every=every, say=self.say, ended=until_ended(every))
            return {}
        summary = reap().as_dict()
        for deed, jobs in summary.items():
            for job in jobs:
                self.say(f"{deed}: {job}")
        if not any(summary.values()):
            self.say("Nothing to do: no job is lost, none waits too long.")
        return summary
