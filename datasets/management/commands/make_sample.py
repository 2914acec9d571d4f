"""Draw the synthetic sample."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from datasets.management.output import JsonCommand
from datasets.sample.collection import LABELS_FILE, TRUTH_FILE, draw_sample
from datasets.sample.planning import DEFAULT_PAPERS


class Command(JsonCommand):
    """`make_sample DIR [--papers N] [--seed S]`."""

    needs_database = False

    help = (
        "Draw figure panels of the five classes, in papers, with wrong labels and near-copies planted "
        "and recorded in truth.json."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add folder, papers, seed."""
        parser.add_argument("output", metavar="DIR", type=Path, help="a new or empty folder")
        parser.add_argument(
            "--papers", metavar="N", type=int, default=DEFAULT_PAPERS, help=f"how many ({DEFAULT_PAPERS})"
        )
        parser.add_argument(
            "--seed", metavar="S", type=int, default=0, help="another seed, another sample (0)"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        """Draw and tell what was drawn."""
        sample = draw_sample(
            options["output"], papers=options["papers"], seed=options["seed"], progress=self.progress
        )
        self.say(f"{sample.output}: {sample.images:,} images of {sample.papers:,} papers, seed {sample.seed}")
        for label, count in sample.classes.items():
            self.say(f"{count:>8,} {label}")
        self.say(f"{sample.wrong_labels:>8,} of them with a wrong label in {LABELS_FILE}")
        self.say(f"{sample.near_copies:>8,} of them near-copies of others")
        self.say(f"What is true of each stands in {TRUTH_FILE}.")
        return asdict(sample)
