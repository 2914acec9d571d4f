"""The page of a dataset: what it holds, its splits, and what was done to its labels, by whom."""

from typing import Any

from django.urls import reverse

from datasets.admin.page import Page, address
from datasets.admin.split_table import split_table
from datasets.api.relabelling import LABELS
from datasets.history import ACCEPTED, BY_HAND, REVERSED, changes_by_day, changes_by_person, deeds
from datasets.ids import read_id
from datasets.models import Dataset, Image, Split
from datasets.queries import class_looks, class_state_counts, find_dataset, state_counts

DAYS = 90
SPLITS = 3
DEEDS = 15
# Imports are not drawn: one of them would dwarf what people do.
DRAWN = ((BY_HAND, "by hand"), (ACCEPTED, "accepted predictions"), (REVERSED, "undone or redone"))


class DatasetPage(Page):
    """One dataset. Its address names it by its slug."""

    template_name = "biofors_site/dataset.html"
    permissions = ("datasets.view_dataset", "datasets.view_image")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add counts, splits and history."""
        user = self.request.user
        dataset = find_dataset(kwargs["slug"], user)
        self.use(dataset)
        before = read_id(self.request.GET.get("before", ""))
        found = deeds(dataset, user, most=DEEDS + 1, before=before)
        days = changes_by_day(dataset, user, days=DAYS)
        splits = Split.objects.visible_to(user).filter(dataset=dataset).select_related("dataset")
        return {
            **super().get_context_data(**kwargs),
            "title": dataset.name,
            "states": state_counts(dataset),
            "papers": dataset.papers.count(),
            "rows": _class_rows(dataset),
            "looks": class_looks(dataset),
            "splits": [_shown(split) for split in splits[:SPLITS]],
            "split_count": splits.count(),
            "span": DAYS,
            "days": [(day, changes) for day, changes in reversed(days.items()) if changes.total],
            "people": changes_by_person(dataset, user),
            "deeds": found[:DEEDS],
            "older": found[DEEDS - 1].batch.pk if len(found) > DEEDS else None,
            "before": before,
            "may_label": self.may(*LABELS),
            "may_change": self.may("datasets.change_dataset"),
            "may_split": self.may("datasets.add_split"),
            "setup": {
                "days": [day.isoformat() for day in days],
                "series": [
                    {"name": told, "values": [changes.counts[way] for changes in days.values()]}
                    for way, told in DRAWN
                ],
            },
        }


def _class_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the counts of each class, with where their images are, and the share of the largest class."""
    rows = class_state_counts(dataset)
    largest = max(row["in_use"] for row in rows) or 1
    workbench = reverse("workbench")

    def there(row: dict[str, Any], state: str) -> str:
        return address(workbench, dataset=dataset.slug, label=row["name"] or "none", state=state)

    return [
        {
            **row,
            "total": row["in_use"] + row["excluded"],
            "width": f"{100 * row['in_use'] / largest:.1f}",
            "link": there(row, Image.State.LABELLED if row["name"] else Image.State.UNLABELLED),
            "excluded_link": there(row, Image.State.EXCLUDED),
        }
        for row in rows
    ]


def _shown(split: Split) -> dict[str, Any]:
    """Return a split with its counts per class and subset, each with where its images are."""

    def link(subset: str, label: str | None) -> str:
        return address(
            reverse("workbench"), dataset=split.dataset.slug, split=split, subset=subset, label=label
        )

    return {"split": split, "table": split_table(split.counts, None, link=link)}
