"""What images and splits are filtered by; pages use the same filters as the REST door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import django_filters
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.functional import cached_property

from datasets.api.filter_forms import DatasetForm, ImageFilterForm
from datasets.api.leading import Unindexed, are_few, led_by_others
from datasets.api.words import named
from datasets.models import Image, Label, Split, Subset
from datasets.models.image import in_state


class RowsFilter(django_filters.FilterSet):
    """Filters whose form looks rows up for the person who asks.

    Outside the REST framework: `Filter(request.GET, queryset=..., request=request)`, then `is_valid()`,
    `errors` and `qs`.
    """

    @property
    def form(self) -> Any:
        """The form that checks the values."""
        form = super().form
        form.user = getattr(self.request, "user", None)
        return form


@dataclass(frozen=True)
class Facet:
    """A column of images, or their state, whose values are counted under all filters but the facet's own.

    `needs` is the parameter without which there is no such column.
    """

    column: str
    own: tuple[str, ...]
    needs: str = ""


class ImageFilter(RowsFilter):
    """Images by dataset, label and who gave it when, paper, figure, split, state and words of their name."""

    facets = {
        "label": Facet("label", ("label",)),
        "state": Facet("state", ("state",)),
        "source": Facet("label_source", ("source",)),
        "subset": Facet("member_subset", ("subset",), needs="split"),
    }
    # What counts of images (`ImageCount`) can be filtered by too.
    counted = frozenset({"dataset", "label", "state", "source"})
    # What shows something of each image and leaves none out.
    showing: frozenset[str] = frozenset()
    # Whether the images are to be counted, in no order.
    counting = False

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    label = django_filters.CharFilter(
        method="by_condition", help_text="A class, by name or alias; or `none`."
    )
    paper = django_filters.CharFilter(method="led", help_text="A paper's identifier.")
    split = django_filters.CharFilter(method="by_split", help_text="A split's id, or `dataset/name`.")
    subset = django_filters.ChoiceFilter(
        choices=Subset.choices, method="by_subset", help_text="With `split`: train, val or test."
    )
    state = django_filters.ChoiceFilter(
        choices=Image.State.choices, method="by_state", help_text="labelled, unlabelled or excluded."
    )
    source = django_filters.ChoiceFilter(
        field_name="label_source",
        choices=Label.Source.choices,
        help_text="Where the label in force came from: imported, person or prediction.",
    )
    figure = django_filters.CharFilter(help_text="The figure of the paper, such as 03.")
    panel_group = django_filters.CharFilter(
        method="led", help_text="With `paper`: a panel group, such as 0302."
    )
    changed_by = django_filters.CharFilter(
        method="by_condition", help_text="The user who gave the label in force."
    )
    changed_since = django_filters.CharFilter(
        method="by_time",
        help_text="Label in force given at this ISO date or time, or later (UTC where no zone is named).",
    )
    changed_before = django_filters.CharFilter(method="by_time", help_text="Label in force given before it.")
    mixed = django_filters.BooleanFilter(
        help_text="true: the panel group holds several classes; false: it does not."
    )
    batch = django_filters.NumberFilter(
        method="by_condition",
        min_value=1,
        decimal_places=0,
        help_text="The id of a batch of labels: the images it was about.",
    )
    q = django_filters.CharFilter(
        method="led", help_text="Part of the file's or the paper's name, in any case."
    )

    class Meta:
        model = Image
        fields: list[str] = []
        form = ImageFilterForm

    def by_condition(self, images: "QuerySet[Image]", _name: str, condition: Q) -> "QuerySet[Image]":
        """Keep what fulfils the condition that the form made."""
        return images.filter(condition)

    @property
    def order(self) -> str:
        """What the images are to be ordered by, without the direction."""
        return (self.data.get("ordering") or "id").lstrip("-")

    def by_time(self, images: "QuerySet[Image]", name: str, moment: datetime) -> "QuerySet[Image]":
        """Keep images labelled since a moment, or before it."""
        column = F("labelled_at") if self._few_within_times is None else Unindexed(F("labelled_at"))
        lookup = "gte" if name == "changed_since" else "lt"
        return images.alias(label_time=column).filter(**{f"label_time__{lookup}": moment})

    @cached_property
    def _few_within_times(self) -> bool | None:
        """Whether few images were labelled within the times asked for; None where the index is in order."""
        if self._within_times is None or self.order == "changed" or connection.vendor != "sqlite":
            return None
        return are_few(self._within_times)

    @cached_property
    def _within_times(self) -> "QuerySet[Image] | None":
        """The images labelled within the times asked for; None where none is."""
        cleaned = self.form.cleaned_data
        times = {"labelled_at__gte": cleaned["changed_since"], "labelled_at__lt": cleaned["changed_before"]}
        if not any(times.values()):
            return None
        given = {**times, "dataset": cleaned["dataset"]}
        return Image.objects.filter(**{name: value for name, value in given.items() if value})

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Filter; last by what is known to choose few images, so that its index is the one to use."""
        images = super().filter_queryset(queryset)
        if self._few_within_times:
            images = led_by_others(images).filter(pk__in=self._within_times.values("pk"))  # type: ignore[union-attr]
        if text := self.form.cleaned_data.get("q"):
            images = named(images, text, counting=self.counting)
        if paper := self.form.cleaned_data.get("paper"):
            group = self.form.cleaned_data.get("panel_group")
            images = led_by_others(images).filter(paper, **({"panel_group": group} if group else {}))
        return images

    def led(self, images: "QuerySet[Image]", _name: str, _value: Any) -> "QuerySet[Image]":
        """Leave it to `filter_queryset`."""
        return images

    def by_split(self, images: "QuerySet[Image]", _name: str, split: Split) -> "QuerySet[Image]":
        """Keep the members of a split, or of one of its subsets."""
        members = images.with_subset_of(split)  # type: ignore[attr-defined]
        subset = self.form.cleaned_data.get("subset")
        return members.filter(member_subset=subset) if subset else members.filter(member_subset__isnull=False)  # type: ignore[no-any-return]

    def by_subset(self, images: "QuerySet[Image]", _name: str, _subset: str) -> "QuerySet[Image]":
        """Leave it to `by_split`: both are one condition on one membership."""
        return images

    def by_state(self, images: "QuerySet[Image]", _name: str, state: str) -> "QuerySet[Image]":
        """Keep images in a state."""
        return images.filter(in_state(state))


class SplitFilter(RowsFilter):
    """Splits by dataset and name."""

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    name = django_filters.CharFilter(help_text="The split's name.")

    class Meta:
        model = Split
        fields: list[str] = []
        form = DatasetForm
