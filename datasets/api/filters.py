"""What images and splits are filtered by; pages use the same filters as the REST door."""

from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from datasets.errors import Refused
from datasets.models import Dataset, Image, LabelClass, Paper, Split, Subset
from datasets.queries import find_dataset
from datasets.splitting import find_split

NO_LABEL = "none"


def wrong(told: str) -> forms.ValidationError:
    """Return the error of a filter's value; its text may hold any character, where Django fills in by %."""
    return forms.ValidationError("%(told)s", params={"told": told})


class RowsForm(forms.Form):
    """Turns texts into rows; what does not exist is an error, never ignored.

    `user` is whose view of the rows counts (None: all rows).
    """

    user: Any = None

    def found(self, find: Callable[[], Any]) -> Any:
        """Look something up; a refusal becomes the error of the field being cleaned."""
        try:
            return find()
        except Refused as refusal:
            raise wrong(str(refusal)) from refusal

    def visible(self, rows: Any) -> Any:
        """Keep what the user may see."""
        return rows if self.user is None else rows.visible_to(self.user)


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


class DatasetForm(RowsForm):
    """Looks up the dataset that rows are filtered by."""

    def clean_dataset(self) -> Dataset | None:
        """Find the dataset of that slug."""
        slug = self.cleaned_data["dataset"]
        return self.found(lambda: find_dataset(slug, self.user)) if slug else None


class ImageFilterForm(DatasetForm):
    """Looks up what images are filtered by."""

    def clean_label(self) -> Q | None:
        """Turn a class's name or alias, or `none`, into a condition."""
        return self._of_label(self.cleaned_data["label"])

    def clean_paper(self) -> Q | None:
        """Turn a paper's identifier into a condition."""
        identifier = self.cleaned_data["paper"]
        if not identifier:
            return None
        papers = self.visible(Paper.objects.filter(identifier=identifier))
        if dataset := self.cleaned_data.get("dataset"):
            papers = papers.filter(dataset=dataset)
        found = list(papers.values_list("pk", flat=True))
        if not found:
            where = f" in {dataset.slug}" if dataset else ""
            raise wrong(f"There is no paper {identifier!r}{where}.")
        return Q(paper__in=found)

    def clean_split(self) -> Split | None:
        """Find a split by id, `dataset/name`, or a name that is unique."""
        text = self.cleaned_data["split"]
        if not text:
            return None
        split = self.found(lambda: split_named(text, self.user))
        dataset = self.cleaned_data.get("dataset")
        if dataset and split.dataset_id != dataset.pk:
            raise wrong(f"The split {split} is of another dataset than {dataset.slug}.")
        return split

    def clean_subset(self) -> str:
        """A subset is one of a split."""
        subset: str = self.cleaned_data["subset"]
        if subset and not self.data.get("split"):
            raise wrong("A subset is one of a split: name the split too.")
        return subset

    def _of_label(self, text: str) -> Q | None:
        """The condition for a class's name or alias, in the dataset chosen or in any."""
        if not text:
            return None
        classes = self.visible(LabelClass.objects.all())
        if dataset := self.cleaned_data.get("dataset"):
            classes = classes.filter(dataset=dataset)
        classes = list(classes)
        found = [each.pk for each in classes if each.accepts(text)]
        if found:
            return Q(label=found[0]) if len(found) == 1 else Q(label__in=found)
        if text == NO_LABEL:
            return Q(label__isnull=True)
        known = ", ".join(dict.fromkeys([*(each.name for each in classes), NO_LABEL]))
        raise wrong(f"There is no class {text!r}. There are: {known}.")


class ImageFilter(RowsFilter):
    """Images by dataset, label, paper, split, subset, state and words of their name."""

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    label = django_filters.CharFilter(
        method="by_condition", help_text="A class, by name or alias; or `none`."
    )
    paper = django_filters.CharFilter(method="by_condition", help_text="A paper's identifier.")
    split = django_filters.CharFilter(method="by_split", help_text="A split's id, or `dataset/name`.")
    subset = django_filters.ChoiceFilter(
        choices=Subset.choices, method="by_subset", help_text="With `split`: train, val or test."
    )
    state = django_filters.ChoiceFilter(
        choices=Image.State.choices, method="by_state", help_text="labelled, unlabelled or excluded."
    )
    q = django_filters.CharFilter(method="by_words", help_text="Part of the file's or the paper's name.")

    class Meta:
        model = Image
        fields: list[str] = []
        form = ImageFilterForm

    def by_condition(self, images: "QuerySet[Image]", _name: str, condition: Q) -> "QuerySet[Image]":
        """Keep what fulfils the condition that the form made."""
        return images.filter(condition)

    def by_split(self, images: "QuerySet[Image]", _name: str, split: Split) -> "QuerySet[Image]":
        """Keep the members of a split, or of one of its subsets."""
        subset = self.form.cleaned_data.get("subset") or ""
        return images.in_subset(split, subset)  # type: ignore[attr-defined, no-any-return]

    def by_subset(self, images: "QuerySet[Image]", _name: str, _subset: str) -> "QuerySet[Image]":
        """Leave it to `by_split`: both are one condition on one membership."""
        return images

    def by_state(self, images: "QuerySet[Image]", _name: str, state: str) -> "QuerySet[Image]":
        """Keep images in a state."""
        return images.in_state(state)  # type: ignore[attr-defined, no-any-return]

    def by_words(self, images: "QuerySet[Image]", _name: str, text: str) -> "QuerySet[Image]":
        """Keep images with this in the name of their file or paper."""
        return images.filter(Q(file_name__icontains=text) | Q(paper__identifier__icontains=text))


class SplitFilter(RowsFilter):
    """Splits by dataset and name."""

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    name = django_filters.CharFilter(help_text="The split's name.")

    class Meta:
        model = Split
        fields: list[str] = []
        form = DatasetForm


def split_named(text: str, user: Any = None) -> Split:
    """Return the split of that id, `dataset/name`, or unique name; `Refused` (unknown_split) otherwise."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        seen = Split.objects.all() if user is None else Split.objects.visible_to(user)
        split = seen.filter(pk=int(text)).select_related("dataset").first()
        if split:
            return split
    return find_split(text, user)
