"""Import class folders."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from datasets.importing import import_folder
from datasets.management.commands.import_biofors import say_summary
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`import_folder DIR --dataset SLUG [--dry-run]`."""

    help = "Import class folders: [train|val|test/]CLASS/[PAPER/]FILE. Other folders are stored unlabelled."

    def add_options(self, parser: CommandParser) -> None:
        """Add folder and dataset."""
        parser.add_argument("directory", metavar="DIR", type=Path)
        parser.add_argument("--dataset", metavar="SLUG", required=True, help="made if it is new")
        parser.add_argument("--dry-run", action="store_true", help="read and check, write nothing")

    def run(self, **options: Any) -> dict[str, Any]:
        """Import and tell what came of it."""
        summary = import_folder(
            options["directory"],
            dataset=options["dataset"],
            dry_run=options["dry_run"],
            progress=self.progress,
        )
        return say_summary(self, summary)
