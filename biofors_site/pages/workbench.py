"""The workbench: the images of a dataset as a grid, filtered, to be looked at and relabelled."""

import json
from typing import Any

from biofors_site.api.filters import OF_PREDICTIONS
from biofors_site.pages.choosing import FILTERS, Choice, chosen
from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page
from datasets.api.relabelling import LABELS
from datasets.labelling import LONGEST_REASON
from datasets.models import Image, Label, Split, Subset
from datasets.queries import class_counts, class_looks, state_counts

ORDERINGS = (
    ("id", "As imported"),
    ("-id", "Newest first"),
    ("file", "By file name"),
    ("paper", "By paper"),
    ("panel", "By panel group"),
    ("-changed", "Last changed first"),
    ("changed", "First changed first"),
    ("confidence", "Least sure first"),
    ("-confidence", "Most sure first"),
    ("margin", "Closest call first"),
    ("-entropy", "Most undecided first"),
)
# The orders that show groups.
GROUPS = frozenset({"paper", "panel"})
# What a person clears, by the name that the menu gives it.
QUEUES = (
    ("Unlabelled", {"state": "unlabelled"}),
    (
        "Champion disagrees, surest first",
        {"model": CHAMPION, "disagrees": "true", "ordering": "-confidence"},
    ),
    ("Champion least certain", {"model": CHAMPION, "ordering": "margin"}),
    ("Panel groups of several classes", {"mixed": "true", "ordering": "panel"}),
    ("Accepted from a model", {"source": "prediction", "ordering": "-changed"}),
)
# The filters that the page keeps folded away.
_MORE = (
    "source",
    "figure",
    "mixed",
    "changed_by",
    "changed_since",
    "changed_before",
    "min_confidence",
    "max_confidence",
)
# What narrows the choice, beside the dataset and whose predictions are shown.
_NARROWING = frozenset(FILTERS) - {"dataset", "model", "ordering", "actual"}


class WorkbenchPage(Page):
    """The grid. What it shows stands in the address: a link shows a colleague the same images."""

    title = "Workbench"
    template_name = "biofors_site/workbench.html"
    permissions = ("datasets.view_image",)
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the filters, what they choose, and what the grid's script needs."""
        dataset = self.dataset
        if dataset is None:
            return super().get_context_data(**kwargs)
        choice = chosen(self.request, dataset)
        if choice.evaluation:
            dataset = choice.evaluation.split.dataset
            self.use(dataset)
        counted = choice.count()
        versions = self._versions()
        may_label = self.may(*LABELS)
        return {
            **super().get_context_data(**kwargs),
            "choice": choice,
            "evaluation": choice.evaluation,
            "count": counted.count,
            "count_exact": counted.exact,
            "total": state_counts(dataset)["total"],
            "narrowed": any(name in choice.query for name in _NARROWING),
            "classes": class_counts(dataset),
            "looks": class_looks(dataset),
            "states": Image.State.choices,
            "subsets": Subset.choices,
            "splits": Split.objects.visible_to(self.request.user)
            .filter(dataset=dataset)
            .select_related("dataset"),
            "versions": versions,
            "orderings": _orderings(choice),
            "asked": self.request.GET,
            "queues": _queues(crowned=CHAMPION in dict(versions)),
            "sources": Label.Source.choices,
            "more_filters": any(name in choice.query for name in _MORE),
            "longest_reason": LONGEST_REASON,
            "may_label": may_label,
            "setup": self._setup(choice, may_label=may_label),
        }

    def _versions(self) -> list[tuple[str, str]]:
        """Return the models whose predictions may be chosen, the champion first."""
        seen = ModelVersion.objects.visible_to(self.request.user)
        champion = seen.filter(aliases__name=CHAMPION).first()
        named = [(str(version), str(version)) for version in seen.order_by("-id")[:50]]
        return [(CHAMPION, f"champion ({champion})"), *named] if champion else named

    def _setup(self, choice: Choice, *, may_label: bool) -> dict[str, Any]:
        """Return what the grid's script needs to know."""
        ordering = choice.query.get("ordering")
        return {
            "source": choice.source,
            "query": choice.query,
            "model": str(choice.version) if choice.version else None,
            "mayLabel": may_label,
            "user": self.request.user.pk,
            "ofEvaluation": choice.evaluation is not None,
            "group": ordering if ordering in GROUPS else None,
        }


def _orderings(choice: Choice) -> list[tuple[str, str]]:
    """Return the orders that a person may choose: with a model also those by what it said."""
    return [each for each in ORDERINGS if choice.version or each[0].lstrip("-") not in OF_PREDICTIONS]


def _queues(*, crowned: bool) -> list[tuple[str, str]]:
    """Return the queues by name, each with the parameters that choose it; without a champion fewer."""
    return [(name, json.dumps(query)) for name, query in QUEUES if crowned or "model" not in query]
