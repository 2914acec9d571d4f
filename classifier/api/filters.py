"""What models and evaluations are filtered by."""

import django_filters
from django.db.models import QuerySet

from classifier.models import Evaluation, ModelVersion
from classifier.registry import find_model
from datasets.api.filter_forms import RowsForm, split_named
from datasets.api.filters import RowsFilter
from datasets.models import Split, Subset


class ModelAndSplitForm(RowsForm):
    """Looks up a version and a split."""

    def clean_model(self) -> ModelVersion | None:
        """Find the version of that id, `name@version` or alias."""
        text = self.cleaned_data["model"]
        return self.found(lambda: find_model(text, self.user)) if text else None

    def clean_split(self) -> Split | None:
        """Find the split of that id or name."""
        text = self.cleaned_data["split"]
        return self.found(lambda: split_named(text, self.user)) if text else None


class ModelFilter(RowsFilter):
    """Versions by name, architecture, alias, tag and split."""

    name = django_filters.CharFilter(help_text="The model's name.")
    architecture = django_filters.ChoiceFilter(choices=ModelVersion.Architecture.choices)
    alias = django_filters.CharFilter("aliases__name", help_text="An alias, such as champion.")
    tag = django_filters.CharFilter("tags__name", help_text="A tag.")
    split = django_filters.CharFilter(help_text="The split it was trained on: its id, or dataset/name.")

    class Meta:
        model = ModelVersion
        fields: list[str] = []
        form = ModelAndSplitForm


class EvaluationFilter(RowsFilter):
    """Evaluations by model, split and subset."""

    model = django_filters.CharFilter(method="by_row", help_text="A version's id, name@version or alias.")
    split = django_filters.CharFilter(method="by_row", help_text="A split's id, or dataset/name.")
    subset = django_filters.ChoiceFilter(choices=Subset.choices)

    class Meta:
        model = Evaluation
        fields: list[str] = []
        form = ModelAndSplitForm

    def by_row(self, evaluations: "QuerySet[Evaluation]", name: str, row: object) -> "QuerySet[Evaluation]":
        """Keep those of a version or split."""
        return evaluations.filter(**{"version" if name == "model" else name: row})
