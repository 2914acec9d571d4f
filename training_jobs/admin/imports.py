"""Imports in the browser: a zip is checked first, then imported."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from classifier.models import ModelVersion
from classifier.registry import find_model
from datasets.admin.page import address
from datasets.errors import Refused
from datasets.importing.telling import outcomes
from datasets.models import Dataset
from datasets.queries import class_looks, usual_looks
from training_jobs.admin.inference import offered_versions
from training_jobs.admin.jobs import CAN_CANCEL, CAN_RETRY, LivePage, log_of_states, took
from training_jobs.admin.uploading import UploadPage
from training_jobs.archives import archive_is_there, check_declared_size, room_for_archive
from training_jobs.launching import queue_import, queue_places, queue_position, retry
from training_jobs.models import ImportJob, Job

NEW = ""
_FIELD_OF = {
    "bad_slug": "slug",
    "not_an_archive": "archive",
    "archive_missing": "archive",
    "archive_too_large": "archive",
}
# What a retry cannot mend: these speak of the archive itself.
_OF_THE_ARCHIVE = {
    "not_an_archive",
    "not_a_labels_file",
    "several_labels_files",
    "no_such_folder",
    "no_images",
    "unsafe_name",
    "duplicate_key",
    "unknown_label",
    "archive_missing",
}
_ADVICE = {
    "unexpected": "Retry it. If it fails again, the log of the inference worker says where.",
    "worker_lost": "Retry it. If its worker is lost again, the log of the inference worker says why.",
}


class ArchiveForm(forms.Form):
    """A zip, and the dataset it is for: one there is, or a new one by its slug."""

    archive = forms.FileField(
        allow_empty_file=True,
        max_length=255,
        error_messages={
            "required": "Choose a zip file first.",
            "max_length": "The file's name is longer than 255 characters. Rename it.",
        },
    )
    dataset = forms.ChoiceField(
        required=False,
        error_messages={"invalid_choice": "There is no such dataset any more. Choose another."},
    )
    slug = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, datasets: Any, **kwargs: Any) -> None:
        """Offer the datasets there are."""
        super().__init__(*args, **kwargs)
        self.slugs = {slug for slug, _ in datasets}
        self.fields["dataset"].choices = [*datasets, (NEW, "A new dataset")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for the slug of a new dataset, and that it is new."""
        values = dict(super().clean() or {})
        if values.get("dataset") == NEW:
            slug = values.get("slug", "")
            if not slug:
                self.add_error("slug", "Name the new dataset, such as my-panels.")
            elif slug in self.slugs:
                self.add_error("slug", f"There is a dataset {slug} already. Choose it from the list.")
        return values

    def into(self) -> str:
        """Return the slug of the dataset chosen."""
        return str(self.cleaned_data["dataset"] or self.cleaned_data["slug"])


@dataclass(frozen=True)
class Row:
    """A check or an import as the list shows it."""

    job: Any
    place: int
    seconds: float | None
    told: str


class ImportsPage(UploadPage):
    """A form that has a zip checked, a place for single images, and the checks and imports there were."""

    title = "Imports"
    template_name = "training_jobs/imports.html"
    permissions = ("training_jobs.view_importjob",)
    post_permissions = ("training_jobs.add_importjob",)
    of_dataset = True
    check_declared = staticmethod(check_declared_size)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep the zip and queue its check; nothing is imported before it was checked."""
        form = ArchiveForm(request.POST, request.FILES, datasets=self._datasets())
        if form.is_valid():
            try:
                job = queue_import(
                    form.cleaned_data["archive"], dataset_slug=form.into(), dry_run=True, author=request.user
                )
            except Refused as refusal:
                form.add_error(_FIELD_OF.get(refusal.code), str(refusal))
            else:
                return HttpResponseRedirect(reverse("import", args=[job.pk]))
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the form, the classes for single images, and a page of jobs."""
        context = super().get_context_data(**kwargs)
        proposed = {"dataset": self.dataset.slug if self.dataset else NEW}
        # The entries behind the counts are many: a list of jobs goes without them.
        jobs, older = self.listed(
            ImportJob.objects.visible_to(self.request.user).select_related("created_by").defer("entries")
        )
        places = queue_places(ImportJob)
        names = dict(self._datasets())
        return {
            "form": ArchiveForm(initial=proposed, datasets=self._datasets()),
            **context,
            "names": names,
            "classes": self.dataset.classes.all() if self.dataset else [],
            "rows": [Row(job, places.get(job.pk, 0), took(job), _counted(job)) for job in jobs],
            "older": older,
            "before": self.request.GET.get("before", ""),
            "may_import": self.may(*self.post_permissions),
            "room": room_for_archive(),
            "may_add": self.may("datasets.add_image"),
        }

    def _datasets(self) -> list[tuple[str, str]]:
        seen = Dataset.objects.visible_to(self.request.user)
        return [(str(slug), str(name)) for slug, name in seen.values_list("slug", "name")]


class ImportPage(LivePage):
    """One check or import, followed while it is at work; a check that is done is imported from here."""

    template_name = "training_jobs/import.html"
    permissions = ("training_jobs.view_importjob",)
    post_permissions = ("training_jobs.add_importjob", "training_jobs.change_importjob")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Import what was checked (`action=import`), cancel, or retry."""
        job = self._job()
        there = job
        try:
            match request.POST.get("action"):
                case "import":
                    there = following_import(job) or queue_import(
                        None,
                        dataset_slug=job.dataset_slug,
                        dry_run=False,
                        checked_by=job,
                        classify_with=self._classify_with(),
                        author=request.user,
                    )
                case "cancel":
                    job.cancel()
                    at_once = job.state == Job.State.CANCELLED
                    messages.success(
                        request, f"{_name(job)} {'is cancelled' if at_once else 'will stop within seconds'}."
                    )
                case "retry":
                    retry(job)
                    messages.success(request, f"{_name(job)} is queued again.")
                case _:
                    raise PermissionDenied
        except Refused as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("import", args=[there.pk]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the job, what came or would come of it, and its log."""
        job = self._job()
        dataset = Dataset.objects.visible_to(self.request.user).filter(slug=job.dataset_slug).first()
        if dataset:
            self.use(dataset)
        result = job.summary or {}
        moves = self.may(*self.post_permissions)
        follower = following_import(job) if job.dry_run else None
        ready = job.state == Job.State.SUCCEEDED and job.dry_run and follower is None
        is_there = archive_is_there(job)
        may_classify = self.may("training_jobs.add_inferencejob")
        return {
            **super().get_context_data(**kwargs),
            "title": f"{'Check' if job.dry_run else 'Import'} of {job.archive_name}",
            "job": job,
            "into": dataset,
            "place": queue_position(job),
            "seconds": took(job),
            "outcomes": outcomes(result) if result else [],
            "looks": class_looks(dataset) or usual_looks(),
            "warnings": result.get("warnings", []),
            "refused": sum(result.get("refused", {}).values()),
            "deed": _deed(result),
            "follower": follower,
            "log": log_of_states(job),
            "advice": _ADVICE.get(job.error_code, ""),
            "of_the_archive": job.error_code in _OF_THE_ARCHIVE,
            "may_import": ready and is_there and moves and bool(_deed(result)),
            "versions": offered_versions(self.request.user) if may_classify else [],
            "is_gone": not is_there,
            "may_cancel": job.state in CAN_CANCEL and moves,
            "may_retry": job.state in CAN_RETRY and moves and is_there,
            "may_upload": self.may("training_jobs.add_importjob"),
            "may_change": self.may("datasets.change_dataset", "datasets.change_labelclass"),
            "may_split": self.may("datasets.add_split"),
            "may_label": self.may("datasets.add_label"),
            "workbench": address(reverse("workbench"), dataset=job.dataset_slug),
            "setup": {
                "source": reverse("import-detail", args=[job.pk]),
                "active": job.is_active,
                "shape": [job.state, job.attempt, job.total, len(job.events)],
            },
        }

    def _classify_with(self) -> ModelVersion | None:
        """Return the model that the form asks to classify what comes in; None for none."""
        asked = self.request.POST.get("classify_with", "")
        return find_model(asked, self.request.user) if asked else None

    def _job(self) -> ImportJob:
        seen = ImportJob.objects.visible_to(self.request.user).select_related(
            "created_by", "checked_by", "classify_with", "inference"
        )
        found: ImportJob = get_object_or_404(seen, pk=self.kwargs["pk"])
        return found


def following_import(check: ImportJob) -> ImportJob | None:
    """Return the import of what a check looked at, that waits, is at work or is done; None without one."""
    return check.imports.filter(state__in=(*Job.ACTIVE, Job.State.SUCCEEDED)).first()


def _name(job: ImportJob) -> str:
    return f"The {'check' if job.dry_run else 'import'} of {job.archive_name}"


def _deed(result: dict[str, Any]) -> str:
    """Return what an import would do, as its button says it; empty where there is nothing to do."""
    created, changed = result.get("created", 0), result.get("changed", 0)
    images = f"{created:,} image{'' if created == 1 else 's'}"
    labels = f"{changed:,} changed label{'' if changed == 1 else 's'}"
    if created and changed:
        return f"Import {images} and {labels}"
    if created:
        return "Import this image" if created == 1 else f"Import these {images}"
    return f"Take over {labels}" if changed else ""


def _counted(job: ImportJob) -> str:
    """Return the counts of a finished job that a list has room for; empty where there are none."""
    if job.state != Job.State.SUCCEEDED:
        return ""
    counts = job.result or {}
    words = {
        "to store" if job.dry_run else "stored": counts.get("created"),
        "labels to take over" if job.dry_run else "labels taken over": counts.get("changed"),
        "kept as people labelled them": counts.get("conflicts"),
        "missing": counts.get("missing_files"),
        "refused": sum((counts.get("refused") or {}).values()),
    }
    return ", ".join(f"{number:,} {word}" for word, number in words.items() if number) or "nothing to do"
