"""What the pages of all jobs share: they draw themselves again, cancel, retry, and tell what happened."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from datasets.admin.page import Page
from datasets.errors import Refused
from training_jobs.launching import retry
from training_jobs.models import InferenceJob, Job, TrainingRun
from training_jobs.workers import alive_workers

CAN_RETRY = (Job.State.FAILED, Job.State.DEAD, Job.State.CANCELLED)
CAN_CANCEL = (Job.State.QUEUED, Job.State.RUNNING)
PAGE_SIZE = 50
_REDRAWN = "X-Redraw"
_QUEUES = {kind.QUEUE for kind in (TrainingRun, InferenceJob)}


class LivePage(Page):
    """A page whose script asks for it again and again, in a header; that changes nothing for other pages."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; where the page only draws itself again, keep the dataset in use as it is."""
        response = super().dispatch(request, *args, **kwargs)
        if _REDRAWN in request.headers:
            request.session.modified = False
        return response

    def listed(self, rows: Any, *, size: int = PAGE_SIZE) -> tuple[list[Any], int | None]:
        """Return one page of rows, newest first, and the id to go on from where there are older ones."""
        if before := id_in(self.request.GET.get("before", "")):
            rows = rows.filter(pk__lt=before)
        found = list(rows.order_by("-pk")[: size + 1])
        return found[:size], found[size - 1].pk if len(found) > size else None


class WorkersPage(Page):
    """Which workers of a queue are alive, for scripts: it takes up to a second, so no page waits for it."""

    permissions = ("training_jobs.view_trainingrun",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:  # type: ignore[override]
        """Ask the workers."""
        queue = request.GET.get("queue", TrainingRun.QUEUE)
        if queue not in _QUEUES:
            raise Refused(f"There is no queue {queue!r:.40}.", code="unknown_queue")
        return JsonResponse({"queue": queue, "alive": alive_workers(queue)})


def moved(request: HttpRequest, job: Job, *, there: str, name: str) -> HttpResponse:
    """Do what a form asks of a job, cancel, retry or put first, say so, and go there."""
    asked = request.POST.get("action")
    try:
        if asked == "cancel":
            job.cancel()
            ended = job.state == Job.State.CANCELLED
            told = f"{name} is cancelled." if ended else f"{name} will stop within a few seconds."
        elif asked == "retry":
            retry(job)
            told = f"{name} is queued again, as it was."
        elif asked == "first" and isinstance(job, TrainingRun):
            job.put_first()
            told = f"{name} is next."
        else:
            raise Refused("A job can be cancelled or retried.", code="unknown_action")
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told)
    return HttpResponseRedirect(there)


def took(job: Job) -> float | None:
    """Return how many seconds the latest attempt took, or has taken so far; None before it begins."""
    if job.started_at is None or job.state == Job.State.QUEUED:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


def log_of_states(job: Job) -> list[dict[str, Any]]:
    """Return what happened to a job, oldest first: at, state, note."""
    who = job.created_by.get_username() if job.created_by else "a command"
    queued = {"at": job.created_at, "state": Job.State.QUEUED, "note": f"by {who}"}
    return [queued, *({**event, "at": datetime.fromisoformat(event["at"])} for event in job.events)]


def id_in(text: str) -> int | None:
    """Return the id that a text is; None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
