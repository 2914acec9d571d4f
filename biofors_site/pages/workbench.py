"""The workbench: the images of a dataset as a grid, filtered, to be looked at and relabelled."""

import json
from typing import Any

from django.urls import reverse

from biofors_site.api.filters import OF_PREDICTIONS
from biofors_site.pages.choosing import FILTERS, Choice, chosen
from biofors_site.pages.why import why_of
from biofors_site.queueing import question_of
from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page, address
from datasets.api.relabelling import LABELS
from datasets.errors import Refused
from datasets.ids import read_id
from datasets.labelling import LONGEST_REASON
from datasets.models import Image, Label, Queue, Split, Subset
from datasets.queries import class_counts, class_looks, state_counts
from datasets.queues.progress import progress_of
from datasets.queues.taking import check_open

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
# What people often look for, by the name that the menu gives it.
READY_MADE = (
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


class NotYours(Refused):
    """Raised where the person's role does not decide in a queue."""

    code = "permission_denied"
    status = 403


class WorkbenchPage(Page):
    """The grid. What it shows stands in the address: a link shows a colleague the same images."""

    title = "Workbench"
    template_name = "biofors_site/workbench.html"
    permissions = ("datasets.view_image",)
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the filters, what they choose, and what the grid's script needs."""
        if queue := self._queue():
            return self._of_queue(queue, **kwargs)
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
            "ready_made": _ready_made(crowned=CHAMPION in dict(versions)),
            "sources": Label.Source.choices,
            "more_filters": any(name in choice.query for name in _MORE),
            "longest_reason": LONGEST_REASON,
            "may_label": may_label,
            "may_queue": self.may("datasets.add_queue"),
            "classify": self._classify(choice) if self.may("training_jobs.add_inferencejob") else "",
            "why": why_of(self.request.user, choice.version),
            "setup": self._setup(choice, may_label=may_label),
        }

    def _queue(self) -> Queue | None:
        """Return the queue that the address names."""
        text = self.request.GET.get("queue", "")
        if not text:
            return None
        pk = read_id(text)
        seen = Queue.objects.visible_to(self.request.user).select_related("dataset")
        queue = None if pk is None else seen.filter(pk=pk).first()
        if queue is None:
            refusal = Refused(f"There is no queue {text!r:.40}.", code="unknown_queue")
            refusal.status = 404
            raise refusal
        return queue

    def _of_queue(self, queue: Queue, **kwargs: Any) -> dict[str, Any]:
        """Return what the page of a queue shows: the grid brings its images."""
        self.use(queue.dataset)
        check_open(queue)
        if not self.may(*LABELS):
            raise NotYours("To decide in this queue, ask for the role of an annotator or a curator.")
        return {
            **super().get_context_data(**kwargs),
            "dataset": queue.dataset,
            "queue": queue,
            "question": question_of(queue),
            "progress": progress_of([queue], self.request.user)[queue.pk],
            "leave": address(reverse("review"), dataset=queue.dataset.slug),
            "classes": class_counts(queue.dataset),
            "looks": class_looks(queue.dataset),
            "longest_reason": LONGEST_REASON,
            "may_label": True,
            "why": why_of(self.request.user),
            "setup": {
                "queue": {"id": queue.pk, "blind": queue.blind},
                "query": {"dataset": queue.dataset.slug},
                "model": queue.model if queue.model and not queue.blind else None,
                "mayLabel": True,
                "user": self.request.user.pk,
                "ofEvaluation": False,
                "group": queue.query.get("ordering") if queue.query.get("ordering") in GROUPS else None,
            },
        }

    def _versions(self) -> list[tuple[str, str]]:
        """Return the models whose predictions may be chosen, the champion first."""
        seen = ModelVersion.objects.visible_to(self.request.user)
        champion = seen.filter(aliases__name=CHAMPION).first()
        named = [(str(version), str(version)) for version in seen.order_by("-id")[:50]]
        return [(CHAMPION, f"champion ({champion})"), *named] if champion else named

    def _classify(self, choice: Choice) -> str:
        """Return the address that offers to classify what is shown; empty where that is an evaluation."""
        if choice.evaluation or choice.errors:
            return ""
        query = dict(choice.query)
        dataset = query.pop("dataset")
        return address(reverse("inference"), dataset=dataset, filter=json.dumps(query) if query else "")

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


def _ready_made(*, crowned: bool) -> list[tuple[str, str]]:
    """Return the ready-made views by name, each with its parameters; without a champion fewer."""
    return [(name, json.dumps(query)) for name, query in READY_MADE if crowned or "model" not in query]
