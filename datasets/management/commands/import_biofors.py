"""Import BioFors' `classification.json` with its images."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from datasets.importing import ImportSummary, import_biofors
from datasets.importing.telling import told
from datasets.management.output import JsonCommand


def say_summary(command: JsonCommand, summary: ImportSummary) -> dict[str, Any]:
    """Print what came of an import; return what `--json` prints."""
    heading = "would come of it (dry run: nothing was written)" if summary.dry_run else "came of the import"
    command.say(f"{summary.dataset}: this {heading}")
    for line in told(summary):
        command.say(line)
    for warning in summary.warnings:
        command.warn(warning)
    return summary.as_dict()


class Command(JsonCommand):
    """`import_biofors CLASSIFICATION_JSON --images DIR --dataset SLUG [--dry-run]`."""

    help = "Import images and labels in the published shape of BioFors: {paper: {file name: label}}."

    def add_options(self, parser: CommandParser) -> None:
        """Add file, folder, dataset."""
        parser.add_argument("labels_file", metavar="CLASSIFICATION_JSON", type=Path)
        parser.add_argument("--images", metavar="DIR", type=Path, required=True, help="holds <paper>/<file>")
        parser.add_argument("--dataset", metavar="SLUG", required=True, help="made if it is new")
        parser.add_argument("--dry-run", action="store_true", help="read and check, write nothing")

    def run(self, **options: Any) -> dict[str, Any]:
        """Import and tell what came of it."""
        summary = import_biofors(
            options["labels_file"],
            images=options["images"],
            dataset=options["dataset"],
            dry_run=options["dry_run"],
            progress=self.progress,
        )
        return say_summary(self, summary)
