"""Splits: those there are, and one with its table, its leak report, and what changed since."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse

from datasets.admin.page import Page, address
from datasets.admin.split_table import leaks_told, split_table, wanted_shares
from datasets.models import Split
from datasets.queries import class_looks, label_changes
from datasets.splitting import SUBSETS

PAGE_SIZE = 50


class SplitsPage(Page):
    """The splits of a dataset, newest first."""

    title = "Splits"
    template_name = "datasets/splits.html"
    permissions = ("datasets.view_split",)
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the splits with their leaks in words."""
        splits = Split.objects.visible_to(self.request.user).filter(dataset=self.dataset)
        before = self.request.GET.get("before", "")
        if before.isascii() and before.isdecimal() and len(before) < 19:
            splits = splits.filter(pk__lt=int(before))
        found = list(splits.select_related("dataset", "created_by")[: PAGE_SIZE + 1])
        return {
            **super().get_context_data(**kwargs),
            "rows": [
                {
                    "split": split,
                    "wanted": wanted_shares(split.ratios),
                    "sizes": [
                        (subset, split.counts["images"][subset], split.counts["papers"][subset])
                        for subset in SUBSETS
                    ],
                    "leak": leaks_told(split.leak_report),
                }
                for split in found[:PAGE_SIZE]
            ],
            "older": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None,
            "before": before,
            "may_split": self.may("datasets.add_split"),
            "labelled": self.dataset.images.labelled().exists() if self.dataset else False,
        }


class SplitPage(Page):
    """One split; it never changes, but the labels around it do."""

    template_name = "datasets/split.html"
    permissions = ("datasets.view_split",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table, whose cells lead to their images, and the labels' changes."""
        seen = Split.objects.visible_to(self.request.user).select_related("dataset", "created_by")
        split = get_object_or_404(seen, pk=kwargs["pk"])
        self.use(split.dataset)

        def link(subset: str, label: str | None) -> str:
            return address(
                reverse("workbench"), dataset=split.dataset.slug, split=split, subset=subset, label=label
            )

        return {
            **super().get_context_data(**kwargs),
            "title": f"Split {split.name}",
            "split": split,
            "table": split_table(split.counts, None if split.official else split.ratios, link=link),
            "leak": leaks_told(split.leak_report),
            "warnings": split.warnings,
            "changes": label_changes(split),
            "looks": class_looks(split.dataset),
            "ratios": ":".join(f"{share:g}" for share in split.ratios),
            "may_split": self.may("datasets.add_split"),
            "may_train": self.may("training_jobs.add_trainingrun"),
        }
