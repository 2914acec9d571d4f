"""Fit a version's temperature on val, from predictions that are stored."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.calibrating import calibrate
from classifier.models import Calibration
from classifier.registry import find_model
from classifier.stored_answers import own_split
from datasets.management.output import JsonCommand
from datasets.splitting import find_split


def as_json(calibration: Calibration) -> dict[str, Any]:
    """Return what `--json` prints of a calibration."""
    return {
        "id": calibration.pk,
        "model": str(calibration.version),
        "split": str(calibration.split),
        **{
            name: getattr(calibration, name)
            for name in (
                "subset",
                "label_cutoff",
                "images",
                "papers",
                "temperature",
                "nll_before",
                "nll_after",
                "ece_before",
                "ece_after",
                "created_at",
            )
        },
    }


class Command(JsonCommand):
    """`calibrate MODEL [--split SPLIT]`."""

    help = "Fit the temperature of a model's confidence on what it said of val; nothing is classified."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, split."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--split", help="whose val is used; left out: the split it was trained on")

    def run(self, **options: Any) -> dict[str, Any]:
        """Calibrate and tell what has become of the error."""
        version = find_model(options["model"])
        split = find_split(options["split"]) if options["split"] else own_split(version)
        made = calibrate(version, split=split)
        self.say(
            f"{version}: temperature {made.temperature:.3f}, from {made.images:,} images of {made.papers:,} "
            f"papers of {split} val"
        )
        self.say(
            f"calibration error {made.ece_before:.3f} -> {made.ece_after:.3f}, negative log-likelihood "
            f"{made.nll_before:.3f} -> {made.nll_after:.3f} (on these images)"
        )
        return as_json(made)
