"""Make a frozen split of a dataset."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from datasets.management.output import JsonCommand
from datasets.models import Split
from datasets.queries import find_dataset
from datasets.splitting import DEFAULT_RATIOS, SUBSETS, make_split, read_official


class Command(JsonCommand):
    """`make_split DATASET --name N --ratios 65:15:20 [--by paper] [--seed S] [--official FILE]
    [--without-accepted]`.
    """

    help = "Assign the labelled images to train, val and test: whole papers, near the ratios, frozen."

    def add_options(self, parser: CommandParser) -> None:
        """Add dataset, name, ratios and how to split."""
        parser.add_argument("dataset", metavar="DATASET")
        parser.add_argument("--name", required=True)
        parser.add_argument("--ratios", default=DEFAULT_RATIOS, help="train:val:test, such as 65:15:20")
        parser.add_argument("--by", choices=Split.By.values, default=Split.By.PAPER.value)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--official", metavar="FILE", type=Path, help='{"train": [papers], "test": [papers]}'
        )
        parser.add_argument(
            "--without-accepted", action="store_true", help="leave out labels accepted from a model"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        """Make the split and tell its counts and its leak report."""
        split = make_split(
            find_dataset(options["dataset"]),
            name=options["name"],
            ratios=options["ratios"],
            by=options["by"],
            seed=options["seed"],
            official=read_official(options["official"]) if options["official"] else None,
            without_accepted=options["without_accepted"],
        )
        self._say_counts(split)
        for warning in split.warnings:
            self.warn(warning)
        return {
            "id": split.pk,
            "split": str(split),
            "dataset": split.dataset.slug,
            "name": split.name,
            "ratios": split.ratios,
            "by": split.by,
            "seed": split.seed,
            "official": split.official,
            "without_accepted": split.without_accepted,
            "label_cutoff": split.label_cutoff,
            "counts": split.counts,
            "leak_report": split.leak_report,
            "warnings": split.warnings,
        }

    def _say_counts(self, split: Split) -> None:
        """Print a table: a line a class, a column a subset."""
        classes = split.counts["classes"]
        self.say(f"Split {split}, by {split.get_by_display().lower()}, seed {split.seed}: frozen")
        self.say(f"{'':<20}" + "".join(f"{subset:>9}" for subset in SUBSETS))
        for name in classes[SUBSETS[0]]:
            self._say_row(name, {subset: classes[subset][name] for subset in SUBSETS})
        self._say_row("images", split.counts["images"])
        self._say_row("papers", split.counts["papers"])
        leaks = split.leak_report
        self.say(
            f"Of {leaks['test_images']:,} test images {leaks['papers']:,} share a paper with train, "
            f"{leaks['panel_groups']:,} a panel group, {leaks['exact_bytes']:,} their exact bytes; "
            f"{leaks['shared_papers']:,} papers lie in both."
        )

    def _say_row(self, name: str, numbers: dict[str, int]) -> None:
        self.say(f"{name:<20}" + "".join(f"{numbers[subset]:>9,}" for subset in SUBSETS))
