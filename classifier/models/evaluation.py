"""How a version did on a subset, by the labels as they stood at a cut-off."""

from django.conf import settings
from django.db import models

from datasets.models import Subset
from datasets.visibility import VisibleQuerySet


class Evaluation(models.Model):
    """Scores of one version on one subset of one split, with the label cut-off they were scored on.

    `matrix[actual][predicted]` holds counts in the order of `classes`; `per_class` holds a dict per class
    with `name, precision, recall, f1, support` (None where a score is undefined). Scores lie in 0 to 1.
    `unreadable` counts images of the subset that are left out because their file cannot be read.
    `papers` is how many the images come from, and `intervals` holds the 95 % interval of every score over
    papers, as `classifier.statistics.scores.intervals` tells them; empty where they were never reckoned.
    """

    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.PROTECT, related_name="evaluations"
    )
    split = models.ForeignKey("datasets.Split", on_delete=models.PROTECT, related_name="+")
    subset = models.CharField(max_length=5, choices=Subset, default=Subset.TEST)
    label_cutoff = models.DateTimeField()
    classes = models.JSONField()
    matrix = models.JSONField()
    per_class = models.JSONField()
    accuracy = models.FloatField()
    macro_f1 = models.FloatField()
    balanced_accuracy = models.FloatField()
    total = models.PositiveIntegerField()
    unreadable = models.PositiveIntegerField(default=0)
    papers = models.PositiveIntegerField(default=0)
    intervals = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(macro_f1__gte=0, macro_f1__lte=1, accuracy__gte=0, accuracy__lte=1),
                name="evaluation_scores_are_shares",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} on {self.split} {self.subset}"
