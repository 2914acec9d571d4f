"""Queue a training run, and wait for it if asked to."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.management.commands.evaluate import as_json
from classifier.models import Evaluation
from classifier.networks.config import ARCHITECTURES
from classifier.networks.recipes import RECIPES
from classifier.registry import find_model
from classifier.telling import told_evaluation
from datasets.management.output import JsonCommand
from datasets.models import Subset
from datasets.splitting import find_split
from training_jobs.following import follow
from training_jobs.launching import queue_again, queue_position, queue_training
from training_jobs.management.settings import add_settings, settings_of
from training_jobs.models import TrainingRun


class Command(JsonCommand):
    """`train SPLIT --architecture A|--recipe R [--name N] [--set K=V]... [--wait]`, or `--like MODEL`."""

    help = "Queue a training run on a split, with the labels as they stand now, or a version's once more."

    def add_options(self, parser: CommandParser) -> None:
        """Add split, architecture, name, settings."""
        parser.add_argument(
            "split", metavar="SPLIT", nargs="?", help="dataset/name, or a name where only one has it"
        )
        parser.add_argument("--architecture", choices=ARCHITECTURES)
        parser.add_argument("--recipe", choices=RECIPES, help="named settings, of one architecture")
        parser.add_argument(
            "--like", metavar="MODEL", help="train this version again: its split, settings and labels of then"
        )
        parser.add_argument("--name", help="of the model (<dataset>-<architecture>)")
        add_settings(parser)
        parser.add_argument(
            "--priority", type=int, default=0, metavar="N", help="of those that wait the highest is next (0)"
        )
        parser.add_argument("--wait", action="store_true", help="show progress until it ends")

    def run(self, **options: Any) -> dict[str, Any]:
        """Queue; with --wait follow to the end and tell the version and its scores."""
        run = self._queued(options)
        self.say(f"Training run {run.pk} ({run.name}) is queued on {run.split}")
        if not options["wait"]:
            self.say(
                f"It is number {queue_position(run)} in the queue; a training worker takes it (./run serve)."
            )
            return {"id": run.pk, "state": run.state, "name": run.name, "split": str(run.split)}
        follow(run, say=self.tell)
        return self._finished(run)

    def _queued(self, options: dict[str, Any]) -> TrainingRun:
        """Queue what was asked for."""
        config = settings_of(options)
        if options["like"]:
            if options["split"] or options["architecture"] or options["recipe"] or config:
                raise CommandError(
                    "--like takes split and settings from the model: leave them out.", returncode=2
                )
            return queue_again(
                find_model(options["like"]), name=options["name"], priority=options["priority"]
            )
        if not options["split"] or not (options["architecture"] or options["recipe"]):
            raise CommandError("Name a SPLIT and --architecture or --recipe, or --like MODEL.", returncode=2)
        return queue_training(
            find_split(options["split"]),
            architecture=options["architecture"],
            recipe=options["recipe"],
            name=options["name"],
            config=config,
            priority=options["priority"],
        )

    def _finished(self, run: TrainingRun) -> dict[str, Any]:
        """Tell the version and its test scores."""
        version = run.version
        if version is None:
            raise CommandError(f"{run} has no version.")
        seconds = (
            (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0
        )
        self.say(
            f"{version} (id {version.pk}): best epoch {version.best_epoch}, trained on "
            f"{version.training_images:,} images in {seconds:.0f} s"
        )
        evaluation = Evaluation.objects.filter(version=version, split=run.split, subset=Subset.TEST).first()
        for line in told_evaluation(evaluation) if evaluation else ["It has no test scores: test is empty."]:
            self.say(line)
        return {
            "id": run.pk,
            "state": run.state,
            "attempt": run.attempt,
            "split": str(run.split),
            "model": {"id": version.pk, "name": version.name, "version": version.version},
            "evaluation": as_json(evaluation) if evaluation else None,
        }
