"""What the filters of images and splits take: texts turned into rows, or an error that says what is wrong."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime

from datasets.errors import Refused
from datasets.ids import read_id
from datasets.models import Dataset, Label, LabelBatch, LabelClass, Paper, Split
from datasets.queries import find_dataset
from datasets.splitting import find_split

NO_LABEL = "none"
FIGURE = re.compile(r"[0-9]{1,2}")
PANEL_GROUP = re.compile(r"[0-9]{4}")


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
        return Q(paper=found[0]) if len(found) == 1 else Q(paper__in=found)

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

    def clean_figure(self) -> str:
        """A figure is two digits of a file's name; one digit is taken for them."""
        text: str = self.cleaned_data["figure"]
        if text and not FIGURE.fullmatch(text):
            raise wrong(f"A figure is a number of two digits, such as 03, not {text!r:.40}.")
        return text and text.zfill(2)

    def clean_panel_group(self) -> str:
        """A panel group is four digits of the names of one paper."""
        text: str = self.cleaned_data["panel_group"]
        if text and not PANEL_GROUP.fullmatch(text):
            raise wrong(f"A panel group is four digits, such as 0302, not {text!r:.40}.")
        if text and not self.data.get("paper"):
            raise wrong("A panel group is one of a paper: name the paper too.")
        return text

    def clean_changed_by(self) -> Q | None:
        """Turn a user's name into a condition on who labelled the image."""
        name = self.cleaned_data["changed_by"]
        if not name:
            return None
        users = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name})
        pk = users.values_list("pk", flat=True).first()
        if pk is None:
            raise wrong(f"There is no user {name!r:.80}.")
        return Q(labelled_by=pk)

    def clean_changed_since(self) -> datetime | None:
        """Read a moment, or the begin of a day."""
        return read_moment(self.cleaned_data["changed_since"])

    def clean_changed_before(self) -> datetime | None:
        """Read a moment, or the begin of a day."""
        return read_moment(self.cleaned_data["changed_before"])

    def clean_mixed(self) -> bool | None:
        """Take true and false for an answer, and nothing else."""
        return self.truth("mixed")

    def truth(self, name: str) -> bool | None:
        """Return a truth that was cleaned already; what is neither true nor false is an error."""
        value: bool | None = self.cleaned_data[name]
        text = self.data.get(name)
        if value is None and text:
            raise wrong(f"{name} is true or false, not {text!r:.40}.")
        return value

    def clean_batch(self) -> Q | None:
        """Turn the id of a batch of labels into a condition."""
        number = self.cleaned_data["batch"]
        if number is None:
            return None
        found = self.visible(LabelBatch.objects.filter(pk=int(number))).first() if number < 2**63 else None
        if found is None:
            raise wrong(f"There is no batch {number}.")
        return Q(pk__in=Label.objects.filter(batch=found).order_by().values("image"))

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


def read_moment(text: str) -> datetime | None:
    """Return the moment that an ISO date (its begin) or date-time names, in UTC where it names no zone."""
    if not text:
        return None
    try:
        # In an address, the plus of a zone is read as a space.
        moment = parse_datetime(text.replace(" ", "+") if "T" in text else text)
        if moment is None and (day := parse_date(text)):
            moment = datetime.combine(day, time())
        if moment is not None:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise wrong(f"{text!r:.40} is no date, such as 2026-03-01, and no time, such as 2026-03-01T12:00Z.")


def split_named(text: str, user: Any = None) -> Split:
    """Return the split of that id, `dataset/name`, or unique name; `Refused` (unknown_split) otherwise."""
    pk = read_id(text)
    if pk is not None:
        seen = Split.objects.all() if user is None else Split.objects.visible_to(user)
        split = seen.filter(pk=pk).select_related("dataset").first()
        if split:
            return split
    return find_split(text, user)
