"""Search for good settings: queue a sweep, and wait for it if asked to."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.networks.config import ARCHITECTURES
from classifier.networks.recipes import RECIPES
from classifier.networks.spaces import SPACES
from datasets.management.output import JsonCommand
from datasets.splitting import find_split
from training_jobs.following import follow_sweep
from training_jobs.management.settings import add_settings, pairs, settings_of
from training_jobs.models import Sweep
from training_jobs.sweeping import DEFAULT_CANDIDATES, DEFAULT_PRIORITY, queue_sweep, trials_of
from training_jobs.telling_sweeps import sweep_as_json, told_sweep


class Command(JsonCommand):
    """`sweep SPLIT --architecture A|--recipe R [--vary K=RANGE]... [--method M] [--folds F] [--wait]`."""

    help = "Try settings around an architecture's or a recipe's, each as a training run judged on validation."

    def add_options(self, parser: CommandParser) -> None:
        """Add split, what is varied, how many candidates and how they are judged."""
        proposed = "; ".join(
            f"{name}: {', '.join(f'{key}={value}' for key, value in space.items())}"
            for name, space in SPACES.items()
        )
        parser.add_argument("split", metavar="SPLIT", help="dataset/name, or a name where only one has it")
        parser.add_argument("--architecture", choices=ARCHITECTURES)
        parser.add_argument("--recipe", choices=RECIPES, help="named settings, of one architecture")
        parser.add_argument("--name", help="of the sweep (<dataset>-<architecture>-sweep)")
        parser.add_argument(
            "--vary",
            metavar="KEY=RANGE",
            action="append",
            default=[],
            help=f"a setting and its range 0.1..0.5, or values 8,16,32; without any {proposed}",
        )
        add_settings(parser)
        parser.add_argument("--candidates", type=int, default=DEFAULT_CANDIDATES, metavar="N")
        parser.add_argument(
            "--method",
            choices=Sweep.Method.values,
            default=Sweep.Method.RANDOM,
            help="halving: all start with few epochs, the better third goes on (random)",
        )
        parser.add_argument(
            "--folds",
            type=int,
            default=0,
            help="judge by cross-validation over train and val, by paper; 0: by the subset val (0)",
        )
        parser.add_argument("--seed", type=int, default=0, help="of candidates and folds (0)")
        parser.add_argument(
            "--priority", type=int, default=DEFAULT_PRIORITY, metavar="N", help=f"({DEFAULT_PRIORITY})"
        )
        parser.add_argument("--wait", action="store_true", help="show how each trial ends, then the table")

    def run(self, **options: Any) -> dict[str, Any]:
        """Queue; with --wait follow to the end and tell the table."""
        sweep = queue_sweep(
            find_split(options["split"]),
            architecture=options["architecture"],
            recipe=options["recipe"],
            name=options["name"],
            config=settings_of(options),
            vary=pairs("--vary", options["vary"]),
            number=options["candidates"],
            method=options["method"],
            folds=options["folds"],
            seed=options["seed"],
            priority=options["priority"],
        )
        trials = trials_of(sweep).count()
        self.say(f"{str(sweep).capitalize()} is queued on {sweep.split}: {trials} trials to begin with")
        if options["wait"]:
            follow_sweep(sweep, say=self.tell)
            for line in told_sweep(sweep):
                self.say(line)
        return sweep_as_json(sweep)
