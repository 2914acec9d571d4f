"""Write a dataset into a folder, in a shape that can be imported again."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from datasets.exporting import export_biofors, export_imagefolder
from datasets.management.output import JsonCommand
from datasets.queries import find_dataset
from datasets.splitting import find_split


class Command(JsonCommand):
    """`export_dataset DATASET --format biofors|imagefolder --output PATH [--split SPLIT]`."""

    help = "Write images and labels into a new folder."

    def add_options(self, parser: CommandParser) -> None:
        """Add dataset, shape, folder, split."""
        parser.add_argument("dataset", metavar="DATASET")
        parser.add_argument("--format", choices=("biofors", "imagefolder"), required=True)
        parser.add_argument("--output", metavar="PATH", type=Path, required=True, help="a new folder")
        parser.add_argument("--split", help="only its images, a folder for each subset (imagefolder)")

    def run(self, **options: Any) -> dict[str, Any]:
        """Export and tell what was written."""
        dataset = find_dataset(options["dataset"])
        if options["format"] == "biofors":
            if options["split"]:
                raise CommandError("--split goes with --format imagefolder.", returncode=2)
            done = export_biofors(dataset, output=options["output"], progress=self.progress)
        else:
            split = find_split(self._whole(options["split"], dataset.slug)) if options["split"] else None
            done = export_imagefolder(dataset, output=options["output"], split=split, progress=self.progress)
        self.say(f"{done.images:,} images written to {done.output}")
        self.say(f"{done.labelled:>8,} with a label")
        for number, sentence in (
            (done.unlabelled, "without a label"),
            (done.excluded_left_out, "excluded: left out"),
        ):
            if number:
                self.say(f"{number:>8,} {sentence}")
        for warning in done.warnings:
            self.warn(warning)
        return done.as_dict()

    def _whole(self, split: str, slug: str) -> str:
        """Take a split's bare name for one of the dataset's own."""
        return split if "/" in split else f"{slug}/{split}"
