"""What jobs are filtered by."""

import django_filters

from classifier.api.filters import ModelAndSplitForm
from datasets.api.filter_forms import DatasetForm
from datasets.api.filters import RowsFilter
from training_jobs.models import ImportJob, InferenceJob, Job, ModelImport, Sweep, TrainingRun


class JobForm(DatasetForm, ModelAndSplitForm):
    """Looks up a dataset, a split and a version, as far as a filter has them."""


class TrainingRunFilter(RowsFilter):
    """Runs by state, dataset, split, architecture and name."""

    state = django_filters.ChoiceFilter(choices=Job.State.choices)
    dataset = django_filters.CharFilter("split__dataset", help_text="The dataset's slug.")
    split = django_filters.CharFilter(help_text="A split's id, or dataset/name.")
    architecture = django_filters.ChoiceFilter(
        choices=TrainingRun._meta.get_field("architecture").choices  # type: ignore[arg-type]
    )
    name = django_filters.CharFilter()
    model = django_filters.CharFilter("version", help_text="The version it became: id, name@version, alias.")
    sweep = django_filters.NumberFilter("candidate__sweep", help_text="The id of a sweep: its trials.")

    class Meta:
        model = TrainingRun
        fields: list[str] = []
        form = JobForm


class SweepFilter(RowsFilter):
    """Sweeps by state, dataset, split and architecture."""

    state = django_filters.ChoiceFilter(choices=Sweep.State.choices)
    dataset = django_filters.CharFilter("split__dataset", help_text="The dataset's slug.")
    split = django_filters.CharFilter(help_text="A split's id, or dataset/name.")
    architecture = django_filters.ChoiceFilter(
        choices=Sweep._meta.get_field("architecture").choices  # type: ignore[arg-type]
    )

    class Meta:
        model = Sweep
        fields: list[str] = []
        form = JobForm


class InferenceJobFilter(RowsFilter):
    """Inference jobs by state, kind, dataset and model."""

    state = django_filters.ChoiceFilter(choices=Job.State.choices)
    kind = django_filters.ChoiceFilter(choices=InferenceJob.Kind.choices)
    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    model = django_filters.CharFilter("version", help_text="A version's id, name@version or alias.")

    class Meta:
        model = InferenceJob
        fields: list[str] = []
        form = JobForm


class ImportJobFilter(RowsFilter):
    """Imports by state and dataset."""

    state = django_filters.ChoiceFilter(choices=Job.State.choices)
    dataset = django_filters.CharFilter("dataset_slug", help_text="The slug, of a dataset still to come too.")

    class Meta:
        model = ImportJob
        fields: list[str] = []


class ModelImportFilter(RowsFilter):
    """Imports of models by state, architecture and name."""

    state = django_filters.ChoiceFilter(choices=Job.State.choices)
    architecture = django_filters.ChoiceFilter(
        choices=ModelImport._meta.get_field("architecture").choices  # type: ignore[arg-type]
    )
    name = django_filters.CharFilter()

    class Meta:
        model = ModelImport
        fields: list[str] = []
