"""The Review page: queues to work, queues to start, and what audits and second opinions have shown."""

from typing import Any

from django.http import HttpRequest

from biofors_site.api.filters import WideImageFilter
from biofors_site.queueing import MOST_SEED, RECIPES, USUAL_SAMPLE, Recipe, question_of
from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page
from datasets.api.facets import Counted, count_images, count_up_to
from datasets.api.queues import CURATES
from datasets.api.relabelling import LABELS
from datasets.models import Dataset, Image, Queue
from datasets.queries import class_looks, state_counts
from datasets.queues.agreement import agreement_of
from datasets.queues.auditing import Audit, Estimate, audit_of
from datasets.queues.progress import progress_of

CLOSED = 20
VERSIONS = 50
AUDITS = 10
# The audits that are not folded away.
AUDITS_SHOWN = 3


class ReviewPage(Page):
    """Queues of a dataset, open ones first."""

    title = "Review"
    template_name = "biofors_site/review.html"
    permissions = ("datasets.view_queue", "datasets.view_image")
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add queues, ways to start one, and results."""
        dataset = self.dataset
        if dataset is None:
            return super().get_context_data(**kwargs)
        user = self.request.user
        seen = Queue.objects.visible_to(user).filter(dataset=dataset).select_related("created_by", "dataset")
        opened = list(seen.filter(closed_at__isnull=True))
        all_closed = seen.filter(closed_at__isnull=False)
        closed = list(all_closed.order_by("-closed_at", "-id")[:CLOSED])
        all_audits = seen.filter(kind=Queue.Kind.AUDIT)
        audits = _audits(list(all_audits[:AUDITS]))
        versions = _versions(self.request)
        may_close = self.may(*CURATES)
        may_label = self.may(*LABELS)
        may_queue = self.may("datasets.add_queue")
        return {
            **super().get_context_data(**kwargs),
            "total": state_counts(dataset)["total"],
            "rows": _rows(opened, user),
            "closed": _closed_rows(closed, opened, user),
            "closed_count": all_closed.count(),
            "recipes": [
                _offer(recipe, versions, _held(recipe, dataset, self.request))
                for recipe in RECIPES.values()
                if may_queue and _is_offered(recipe)
            ],
            "versions": versions,
            "audits": audits[:AUDITS_SHOWN],
            "older_audits": audits[AUDITS_SHOWN:],
            "audit_count": all_audits.count(),
            "most_audits": AUDITS,
            "most_seed": MOST_SEED - 1,
            "pairs": agreement_of(dataset, user),
            "looks": class_looks(dataset),
            "may_label": may_label,
            "may_queue": may_queue,
            "may_close": may_close,
        }


def open_queue_count(dataset: Dataset, user: Any) -> int:
    """Count the dataset's open queues."""
    return Queue.objects.visible_to(user).filter(dataset=dataset, closed_at__isnull=True).count()


def _versions(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the models whose predictions may rank images, the champion first."""
    seen = ModelVersion.objects.visible_to(request.user)
    champion = seen.filter(aliases__name=CHAMPION).first()
    others = seen.exclude(pk=champion.pk) if champion else seen
    named = [(str(version), str(version)) for version in others.order_by("-id")[:VERSIONS]]
    return [(CHAMPION, f"champion ({champion})"), *named] if champion else named


def _is_offered(recipe: Recipe) -> bool:
    """Whether a queue of this kind is started here; that of a filter is made in the workbench."""
    return recipe.kind != Queue.Kind.FILTER


def _held(recipe: Recipe, dataset: Dataset, request: HttpRequest) -> Counted | None:
    """Count the images that a queue of this kind would be made of; None where counting them is dear."""
    if recipe.needs_model:
        return None
    query = {**recipe.query, "dataset": dataset.slug}
    asked = WideImageFilter(query, queryset=Image.objects.visible_to(request.user), request=request)
    if query.keys() <= asked.counted:
        return count_images(asked)
    return count_up_to(asked.qs.exclude(excluded=True))


def _offer(recipe: Recipe, versions: list[tuple[str, str]], held: Counted | None) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "title": recipe.kind.label,
        "lacks_model": recipe.needs_model and not versions,
        "held": held,
        "is_empty": held is not None and not held.count,
        "size": min(USUAL_SAMPLE, held.count) if held else USUAL_SAMPLE,
    }


def _rows(queues: list[Queue], user: Any) -> list[dict[str, Any]]:
    """Return queues with how far they are."""
    progress = progress_of(queues, user)
    return [
        {
            "queue": queue,
            "question": question_of(queue),
            # Of a queue that was given a name of its own.
            "kind": "" if queue.name.startswith(str(queue.get_kind_display())) else queue.get_kind_display(),
            "progress": progress[queue.pk],
        }
        for queue in queues
    ]


def _closed_rows(queues: list[Queue], opened: list[Queue], user: Any) -> list[dict[str, Any]]:
    """Return closed queues; one that grows cannot be opened again beside the one that took its place."""
    growing = {queue.kind for queue in opened if queue.standing}
    return [
        {**row, "is_replaced": row["queue"].standing and row["queue"].kind in growing}
        for row in _rows(queues, user)
    ]


def _audits(queues: list[Queue]) -> list[dict[str, Any]]:
    """Return what audits found, those that found something first; closed ones that nobody judged left out."""
    shown = [_shown(queue) for queue in queues]
    told = [row for row in shown if row["rows"] or row["queue"].closed_at is None]
    return sorted(told, key=lambda row: not row["rows"])


def _shown(queue: Queue) -> dict[str, Any]:
    """Return what an audit found, with the place of each interval on one common axis."""
    audit = audit_of(queue)
    estimates = [audit.overall, *audit.classes] if audit.overall.judged else []
    end = _axis_end(audit)
    return {
        "queue": queue,
        "audit": audit,
        "end": end,
        "rows": [{"estimate": each, "style": _style(each, end)} for each in estimates],
    }


def _axis_end(audit: Audit) -> float:
    """Return the end of the axis, a round share that all intervals fit below."""
    high = max([each.high_share for each in (audit.overall, *audit.classes)], default=1.0)
    return next((end for end in (0.05, 0.1, 0.2, 0.3, 0.5) if high <= end), 1.0)


def _style(estimate: Estimate, end: float) -> str:
    low, high = estimate.low_share / end, estimate.high_share / end
    at = (estimate.share or 0.0) / end
    return f"--low: {100 * low:.2f}%; --high: {100 * high:.2f}%; --at: {100 * at:.2f}%"
