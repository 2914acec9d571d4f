"""Remove a dataset for good."""

from typing import Any

from django.core.management.base import CommandParser

from datasets.errors import Refused
from datasets.management.output import JsonCommand
from datasets.purging import contents_of, purge_dataset
from datasets.queries import find_dataset


class Command(JsonCommand):
    """`purge_dataset SLUG [--yes]`."""

    help = "Remove a dataset with its images, labels and splits, for good; without --yes, tell what would go."

    def add_options(self, parser: CommandParser) -> None:
        """Add the dataset and the consent."""
        parser.add_argument("dataset", metavar="SLUG")
        parser.add_argument("--yes", action="store_true", help="remove it: there is no way back")

    def run(self, **options: Any) -> dict[str, Any]:
        """Remove and tell what went, or refuse and tell what would go."""
        dataset = find_dataset(options["dataset"])
        slug = dataset.slug
        if not options["yes"]:
            told = ", ".join(f"{count:,} {_words(kind)}" for kind, count in contents_of(dataset).items())
            raise Refused(
                f"Nothing was removed. The dataset {slug} holds {told}. "
                "Add --yes to remove all of it; there is no way back.",
                code="not_confirmed",
            )
        contents = purge_dataset(dataset, progress=self.progress)
        self.say(f"The dataset {slug} is gone, with")
        for kind, count in contents.items():
            self.say(f"{count:>8,} {_words(kind)}")
        return {"dataset": slug, **contents}


def _words(kind: str) -> str:
    return kind.replace("_", " ")
