"""Evaluate a version on a subset of a split."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.calibrating import calibrate_after
from classifier.cautions import cautions
from classifier.evaluation import evaluate, labelled_in
from classifier.models import Evaluation
from classifier.predicting import predict_missing
from classifier.registry import find_model
from classifier.telling import told_evaluation
from datasets.management.output import JsonCommand
from datasets.models import Subset
from datasets.splitting import find_split


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return what `--json` prints of an evaluation."""
    return {
        "id": evaluation.pk,
        "model": {
            "id": evaluation.version_id,
            "name": evaluation.version.name,
            "version": evaluation.version.version,
        },
        "split": str(evaluation.split),
        "subset": evaluation.subset,
        "label_cutoff": evaluation.label_cutoff,
        "classes": evaluation.classes,
        "matrix": evaluation.matrix,
        "per_class": evaluation.per_class,
        "accuracy": evaluation.accuracy,
        "macro_f1": evaluation.macro_f1,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "total": evaluation.total,
        "unreadable": evaluation.unreadable,
        "leaks": evaluation.split.leaks,
        "warnings": cautions(evaluation.version, evaluation.split, evaluation.subset),
    }


class Command(JsonCommand):
    """`evaluate MODEL --split SPLIT [--subset test]`."""

    help = "Classify what a model has not classified yet of a subset, and score it by the labels of now."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, split, subset."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--split", required=True)
        parser.add_argument("--subset", choices=Subset.values, default=Subset.TEST.value)

    def run(self, **options: Any) -> dict[str, Any]:
        """Evaluate and tell the scores."""
        version, split = find_model(options["model"]), find_split(options["split"])
        images = labelled_in(split, options["subset"])
        outcome = predict_missing(version, images, progress=self.progress)
        evaluation = evaluate(version, split=split, subset=options["subset"], unreadable=outcome.unreadable)
        calibrate_after(version, split=split, subset=options["subset"])
        for failure in outcome.failures:
            self.warn(f"{failure['file']}: {failure['detail']}")
        for line in told_evaluation(evaluation):
            self.say(line)
        if doubt := _order_doubt(evaluation):
            self.warn(doubt)
        return {**as_json(evaluation), "new_predictions": outcome.new}


def _order_doubt(evaluation: Evaluation) -> str:
    """Return what speaks for another order of the classes; loads SciPy."""
    from classifier.class_order import order_doubt

    return order_doubt(evaluation)
