"""What doors ask of jobs: how runs and versions did."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, F, OuterRef

from classifier.models import Evaluation, ModelVersion, Prediction
from datasets.models import Dataset, Image, Subset
from training_jobs.models import EpochMetric, TrainingRun

SCORES = {"val_accuracy": "accuracy", "val_macro_f1": "macro-F1"}


def best_epochs(runs: Iterable[TrainingRun], user: Any = None) -> dict[int, EpochMetric]:
    """Return the best epoch so far of each run's latest attempt, by the run's id; without a user all."""
    latest = {run.pk: run.attempt for run in runs}
    seen = EpochMetric.objects.all() if user is None else EpochMetric.objects.visible_to(user)
    best = seen.filter(run__in=latest, is_best=True).order_by("epoch")
    return {epoch.run_id: epoch for epoch in best if epoch.attempt == latest[epoch.run_id]}


def best_score(run: TrainingRun, epoch: EpochMetric | None) -> float | None:
    """Return the validation score by which an epoch of a run was chosen; None without validation images."""
    return getattr(epoch, score_name(run), None) if epoch else None


def score_name(run: TrainingRun) -> str:
    """Return which validation score decides in a run: val_accuracy or val_macro_f1."""
    return "val_macro_f1" if run.config.get("best_by") == "val_macro_f1" else "val_accuracy"


def test_evaluations(versions: Iterable[int], user: Any) -> dict[int, Evaluation]:
    """Return each version's newest scores on test of the split it was trained on, by the version's id."""
    found = (
        Evaluation.objects.visible_to(user)
        .filter(version__in=versions, subset=Subset.TEST, split=F("version__split"))
        .order_by("pk")
    )
    return {evaluation.version_id: evaluation for evaluation in found}


def unclassified(dataset: Dataset, version: ModelVersion, user: Any, images: Any = None) -> tuple[int, int]:
    """Return how many images of a dataset a version has said nothing of yet, and how many there are.

    With `images`, a queryset of some of them: how many of those.
    """
    if images is not None:
        known = Prediction.objects.visible_to(user).of(version).filter(image=OuterRef("pk"))
        return images.exclude(Exists(known)).count(), images.count()
    total = Image.objects.visible_to(user).filter(dataset=dataset).count()
    said = Prediction.objects.visible_to(user).of(version).filter(image__dataset=dataset).count()
    return total - said, total
