"""Bulk inference in the browser: predictions over a dataset, evaluations, and one job that is followed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from classifier.registry import find_model
from datasets.admin.page import address
from datasets.api.filter_forms import split_named
from datasets.errors import Refused
from datasets.models import Dataset, Subset
from datasets.queries import find_dataset
from training_jobs.admin.jobs import CAN_CANCEL, CAN_RETRY, LivePage, log_of_states, moved, took
from training_jobs.launching import queue_evaluation, queue_inference, queue_places, queue_position
from training_jobs.models import InferenceJob, Job
from training_jobs.queries import unclassified

MODELS = 100
SHOWN_FAILURES = 200
_ADVICE = {
    "unexpected": "Retry it. If it fails again, the log of the inference worker says where.",
    "worker_lost": "Retry it. If its worker is lost again, the log of the inference worker says why.",
}


@dataclass(frozen=True)
class ChosenImages:
    """Images of a dataset that a filter chose: a queryset, its parameters, the address that shows them."""

    images: Any
    query: dict[str, str]
    shown: str

    @property
    def as_json(self) -> str:
        """The parameters, as the form sends them."""
        return json.dumps(self.query)


@dataclass(frozen=True)
class Row:
    """An inference job as the list shows it."""

    job: InferenceJob
    place: int
    seconds: float | None


class InferencePage(LivePage):
    """A form that queues predictions over a dataset, and the jobs there are."""

    title = "Classify a dataset"
    template_name = "training_jobs/inference.html"
    permissions = ("training_jobs.view_inferencejob", "classifier.view_modelversion")
    post_permissions = ("training_jobs.add_inferencejob",)

    def chosen_images(self, dataset: Dataset) -> ChosenImages | None:
        """Return the images of a dataset that the address or the form chooses; None for all of them.

        Which filters there are is known by who extends this page.
        """
        return None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue predictions over a dataset, or an evaluation asked for on the page of a model."""
        if request.POST.get("kind") == InferenceJob.Kind.EVALUATION:
            return self._evaluate()
        errors: dict[str, str] = {}
        dataset = self._found(errors, "dataset", lambda: find_dataset(self._sent("dataset"), request.user))
        version = self._found(errors, "model", lambda: find_model(self._sent("model"), request.user))
        if dataset is not None and version is not None:
            try:
                job = queue_inference(dataset, version=version, author=request.user, **self._over(dataset))
            except Refused as refusal:
                errors["dataset"] = str(refusal)
            else:
                return HttpResponseRedirect(reverse("inference-job", args=[job.pk]))
        context = self.get_context_data(errors=errors, chosen_dataset=dataset, chosen_version=version)
        return self.render_to_response(context, status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what may be chosen, what the choice means, and a page of jobs."""
        context = super().get_context_data(**kwargs)
        user = self.request.user
        dataset: Dataset | None = context.get("chosen_dataset") or self.dataset
        errors: dict[str, str] = context.get("errors", {})
        version = context.get("chosen_version") or self._asked_for(errors)
        jobs, older = self.listed(
            InferenceJob.objects.visible_to(user)
            .select_related("dataset", "version", "split", "created_by", "evaluation")
            .defer("failures")
        )
        places = queue_places(InferenceJob)
        chosen = self.chosen_images(dataset) if dataset else None
        images = chosen.images if chosen else None
        missing, total = unclassified(dataset, version, user, images) if dataset and version else (0, 0)
        return {
            **context,
            "errors": errors,
            "datasets": Dataset.objects.visible_to(user),
            "chosen_dataset": dataset,
            "versions": offered_versions(user),
            "chosen_version": version,
            "champion": ModelVersion.objects.visible_to(user).filter(aliases__name=CHAMPION).first(),
            "chosen": chosen,
            "chosen_by": told_filter(chosen.query) if chosen else "",
            "missing": missing,
            "total": total,
            "rows": [Row(job, places.get(job.pk, 0), took(job)) for job in jobs],
            "older": older,
            "before": self.request.GET.get("before", ""),
            "may_queue": self.may(*self.post_permissions),
        }

    def _over(self, dataset: Dataset) -> dict[str, Any]:
        """Return which images a job is to be over, as it is queued."""
        chosen = self.chosen_images(dataset)
        return {"images": chosen.images, "chosen_by": chosen.query} if chosen else {}

    def _sent(self, name: str) -> str:
        return str(self.request.POST.get(name, ""))

    def _found(self, errors: dict[str, str], name: str, find: Any) -> Any:
        """Return what a field names; None, and its error, where there is none."""
        try:
            return find()
        except Refused as refusal:
            errors[name] = str(refusal)
            return None

    def _asked_for(self, errors: dict[str, str]) -> ModelVersion | None:
        """Return the model of the address, else the one that is proposed; None where there is none."""
        asked = self.request.GET.get("model", "")
        version: ModelVersion | None = self._found(
            errors, "model", lambda: find_model(asked, self.request.user)
        )
        if version is None and not asked:
            # That there is no model at all is said by the page, not as an error.
            errors.pop("model", None)
        return version

    def _evaluate(self) -> HttpResponse:
        """Queue an evaluation, and follow it; where it is refused, say so on the page it was asked on."""
        if not self.may("classifier.add_evaluation"):
            raise PermissionDenied
        user = self.request.user
        version = find_model(self._sent("model"), user)
        try:
            job = queue_evaluation(
                version,
                split=split_named(self._sent("split"), user),
                subset=self._sent("subset") or Subset.TEST,
                author=user,
            )
        except Refused as refusal:
            messages.error(self.request, str(refusal))
            return HttpResponseRedirect(reverse("model", args=[version.pk]))
        return HttpResponseRedirect(reverse("inference-job", args=[job.pk]))


class InferenceJobPage(LivePage):
    """One inference job, followed while it is at work."""

    template_name = "training_jobs/inference_job.html"
    permissions = ("training_jobs.view_inferencejob",)
    post_permissions = ("training_jobs.change_inferencejob",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Cancel the job, or queue it again."""
        job = self._job()
        return moved(request, job, there=reverse("inference-job", args=[job.pk]), name=f"Job {job.pk}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the job, what it could not read, and its log."""
        job = self._job()
        self.use(job.dataset)
        over = job.dataset.slug if job.filter is None else f"images of {job.dataset.slug}"
        deed = f"Evaluate {job.version}" if job.split_id else f"Classify {over}"
        if job.kind == InferenceJob.Kind.VECTORS:
            deed = f"Prepare the training images of {job.version}"
        missing, total = unclassified(job.dataset, job.version, self.request.user)
        chunks = job.chunk_states()
        every = "all" in self.request.GET
        return {
            **super().get_context_data(**kwargs),
            "title": f"Job {job.pk}: {deed}",
            "job": job,
            "place": queue_position(job),
            "seconds": took(job),
            "said": total - missing,
            "total": total,
            "failures": list(job.every_failure()) if every else job.failures[:SHOWN_FAILURES],
            "hidden_failures": 0 if every else max(0, job.failed - SHOWN_FAILURES),
            "chosen_by": told_filter(job.filter) if job.filter is not None else "",
            "chunks": sum(chunks.values()),
            "chunks_done": chunks.get(Job.State.SUCCEEDED, 0),
            "log": log_of_states(job),
            "advice": _ADVICE.get(job.error_code, ""),
            "workbench": address(
                reverse("workbench"),
                **{
                    **(job.filter or {}),
                    "dataset": job.dataset.slug,
                    "model": str(job.version),
                    **({"split": str(job.split), "subset": job.subset} if job.split else {}),
                },
            ),
            "may_cancel": job.state in CAN_CANCEL and self.may(*self.post_permissions),
            "may_retry": job.state in CAN_RETRY and self.may(*self.post_permissions),
            "may_read_results": self.may("classifier.view_prediction"),
            "setup": {
                "source": reverse("inference-job-detail", args=[job.pk]),
                "shape": [job.state, job.attempt, job.total, len(job.events)],
            },
        }

    def _job(self) -> InferenceJob:
        seen = InferenceJob.objects.visible_to(self.request.user)
        found: InferenceJob = get_object_or_404(
            seen.select_related("dataset", "version", "split__dataset", "evaluation", "created_by"),
            pk=self.kwargs["pk"],
        )
        return found


def told_filter(query: Mapping[str, str]) -> str:
    """Say by which parameters images were chosen; "all of them" without one."""
    told = [f"{name} {value}" for name, value in query.items() if name not in ("dataset", "ordering")]
    return ", ".join(told).replace("_", " ") or "all of them"


def offered_versions(user: Any) -> list[ModelVersion]:
    """Return the versions that may be chosen, the champion first, then the newest."""
    seen = ModelVersion.objects.visible_to(user)
    champion = list(seen.filter(aliases__name=CHAMPION)[:1])
    return [*champion, *(version for version in seen.order_by("-pk")[:MODELS] if version not in champion)]
