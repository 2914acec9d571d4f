"""What doors ask of a dataset: counts, and the dataset itself by its slug."""

from typing import Any

from django.core.validators import slug_re
from django.db.models import Sum

from datasets.errors import Refused
from datasets.models import Dataset, Image, ImageCount, Split, SplitMember
from datasets.models.label_class import DEFAULT_CLASSES

_LOOKS = ("short", "colour", "hotkey", "letter")


class UnknownDataset(Refused):
    """Raised where no dataset of that slug is to be seen."""

    code = "unknown_dataset"
    status = 404


def find_dataset(slug: str, user: Any = None) -> Dataset:
    """Return the dataset of that slug among those the user may see (all without a user)."""
    seen = Dataset.objects.all() if user is None else Dataset.objects.visible_to(user)
    # What is no slug names nothing; some texts no database takes.
    found = seen.filter(slug=slug).first() if slug_re.match(slug) else None
    if found is not None:
        return found
    known = ", ".join(seen.values_list("slug", flat=True)[:20])
    raise UnknownDataset(
        f"There is no dataset {slug!r}. "
        + (f"There are: {known}." if known else "Import one first: import_biofors or import_folder.")
    )


def class_counts(dataset: Dataset) -> list[dict[str, Any]]:
    """Count the labelled images of each class, in order: id, name, short, colour, hotkey, letter, count."""
    counted = _kept_counts(dataset)
    return [
        {
            "id": found.pk,
            "name": found.name,
            "short": found.short,
            "colour": found.colour,
            "hotkey": found.hotkey,
            "letter": found.letter,
            "count": counted.get((found.pk, False), 0),
        }
        for found in dataset.classes.all()
    ]


def state_counts(dataset: Dataset) -> dict[str, int]:
    """Count the images by state: labelled, unlabelled, excluded, total."""
    counts = {**dict.fromkeys(Image.State.values, 0), "total": 0}
    for (label, excluded), count in _kept_counts(dataset).items():
        counts[Image(label_id=label, excluded=excluded).state] += count
        counts["total"] += count
    return counts


def class_state_counts(dataset: Dataset) -> list[dict[str, Any]]:
    """Count the images of each class, in order, and last those without: name (None), in_use, excluded."""
    counted = _kept_counts(dataset)
    classes = [*dataset.classes.values_list("pk", "name"), (None, None)]
    return [
        {"name": name, "in_use": counted.get((pk, False), 0), "excluded": counted.get((pk, True), 0)}
        for pk, name in classes
    ]


def _kept_counts(dataset: Dataset) -> dict[tuple[int | None, bool], int]:
    """Return how many images have each label (None: none) and are excluded or not, by the kept counts."""
    kept = ImageCount.objects.filter(dataset=dataset).values_list("label", "excluded")
    return {(label, excluded): count for label, excluded, count in kept.annotate(Sum("count")).order_by()}


def class_looks(dataset: Dataset | None) -> dict[str, dict[str, str]]:
    """Return how a dataset's classes are shown: {name: short, colour, hotkey, letter}, in their order."""
    if dataset is None:
        return {}
    return {each.name: {name: getattr(each, name) for name in _LOOKS} for each in dataset.classes.all()}


def usual_looks() -> dict[str, dict[str, str]]:
    """Return how the classes are shown that every dataset starts with, as `class_looks`."""
    return {each["name"]: {name: each.get(name, "") for name in _LOOKS} for each in DEFAULT_CLASSES}


def label_changes(split: Split) -> dict[str, int]:
    """Count what the labels of now say otherwise than those a split was made by.

    Keys: relabelled, unlabelled, excluded (its members), outside (labelled images in none of its subsets).
    """
    changed: Any = Image.objects.in_subset(split).filter(labels__created_at__gt=split.label_cutoff).distinct()
    rows = changed.with_label_as_of(split.label_cutoff).values_list("excluded", "label__name", "label_then")
    counts = {"relabelled": 0, "unlabelled": 0, "excluded": 0}
    for excluded, now, then in rows:
        if excluded:
            counts["excluded"] += 1
        elif now is None:
            counts["unlabelled"] += 1
        elif now != then:
            counts["relabelled"] += 1
    members = SplitMember.objects.filter(split=split).values("image")
    outside = Image.objects.filter(dataset=split.dataset).labelled().exclude(pk__in=members)
    return {**counts, "outside": outside.count()}
