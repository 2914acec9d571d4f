"""Compare versions on the same images."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.cautions import check_unseen
from classifier.comparison import compare
from classifier.evaluation import check_classes, labelled_in
from classifier.predicting import predict_missing
from classifier.registry import find_model
from classifier.telling import told_comparison
from datasets.management.output import JsonCommand
from datasets.models import Subset
from datasets.splitting import find_split


class Command(JsonCommand):
    """`compare MODEL MODEL... --split SPLIT [--subset test]`."""

    help = "Set models side by side on a subset; what one has not classified yet is classified first."

    def add_options(self, parser: CommandParser) -> None:
        """Add models, split, subset."""
        parser.add_argument("models", metavar="MODEL", nargs="+", help="an id, name@version, or an alias")
        parser.add_argument("--split", required=True)
        parser.add_argument("--subset", choices=Subset.values, default=Subset.TEST.value)
        parser.add_argument(
            "--despite-leaks",
            action="store_true",
            help="compare models although they were trained on papers of the subset",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        """Compare and tell the scores."""
        versions = [find_model(text) for text in options["models"]]
        split = find_split(options["split"])
        if not options["despite_leaks"]:
            check_unseen(versions, split, options["subset"], counted={})
        for version in versions:
            check_classes(version, split)
            predict_missing(version, labelled_in(split, options["subset"]), progress=self.progress)
        comparison = compare(
            versions, split=split, subset=options["subset"], despite_leaks=options["despite_leaks"]
        )
        for line in told_comparison(comparison):
            self.say(line)
        return comparison.as_dict()
