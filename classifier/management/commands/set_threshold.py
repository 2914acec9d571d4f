"""Choose the confidence below which a version abstains."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.abstaining import read_threshold, set_threshold, told_threshold
from classifier.registry import find_model
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`set_threshold MODEL CONFIDENCE --reason TEXT`."""

    help = "Let a model abstain below a confidence (as the network gives it); who, when and why are kept."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, confidence, reason."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("confidence", metavar="CONFIDENCE", help="0 to 1, or none: it never abstains")
        parser.add_argument("--reason", required=True)

    def run(self, **options: Any) -> dict[str, Any]:
        """Set it and tell what stood before."""
        version = find_model(options["model"])
        chosen = set_threshold(
            version, abstain_below=read_threshold(options["confidence"]), reason=options["reason"]
        )
        self.say(
            f"{version} {told_threshold(chosen.abstain_below)} (before: {told_threshold(chosen.previous)})"
        )
        return {
            "id": chosen.pk,
            "model": str(version),
            "abstain_below": chosen.abstain_below,
            "previous": chosen.previous,
            "reason": chosen.reason,
            "created_at": chosen.created_at,
        }
