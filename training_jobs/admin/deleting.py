"""What takes a version away, and what makes a further form of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property

from classifier.exports import file_of
from classifier.models import Export, ModelVersion
from datasets.admin.page import Page
from datasets.errors import Refused
from training_jobs.deleting import contents_of, delete_version, uses_of
from training_jobs.exporting import queue_export
from training_jobs.models import ExportJob


class _OfVersion(Page):
    permissions: tuple[str, ...] = ("classifier.view_modelversion",)

    @cached_property
    def version(self) -> ModelVersion:
        """The version of the address."""
        seen = ModelVersion.objects.visible_to(self.request.user)
        return get_object_or_404(seen, pk=self.kwargs["pk"])


class DeleteModelPage(_OfVersion):
    """What would go with a version, or what needs it; asks for its name."""

    template_name = "training_jobs/delete_model.html"
    permissions = ("classifier.view_modelversion", "classifier.delete_modelversion")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what would go, and what holds it."""
        version = self.version
        return super().get_context_data(
            **{
                "title": f"Delete {version}",
                "version": version,
                "uses": uses_of(version),
                "contents": contents_of(version),
                "errors": {},
                **kwargs,
            }
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Delete; on a refusal show the page again with what was typed."""
        typed = {name: request.POST.get(name, "").strip() for name in ("name", "reason")}
        try:
            left = delete_version(self.version, author=request.user, **typed)
        except Refused as refusal:
            field = {"name_needed": "name", "model_in_use": "form"}.get(refusal.code, "reason")
            context = self.get_context_data(**typed, errors={field: str(refusal)})
            return self.render_to_response(context, status=refusal.status)
        messages.success(request, f"{left} is deleted. Its number is not given again.")
        return HttpResponseRedirect(reverse("models"))


class ExportModelPage(_OfVersion):
    """The form that queues an export, and how far the newest is."""

    template_name = "training_jobs/export_model.html"
    permissions = ("classifier.view_modelversion", "training_jobs.view_exportjob")
    post_permissions = ("training_jobs.add_exportjob",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the newest job of the form that is named, else LiteRT."""
        form = self._form(self.request.GET)
        jobs = ExportJob.objects.visible_to(self.request.user).filter(version=self.version, format=form)
        return super().get_context_data(
            title=f"{self.version} as {form.label}",
            version=self.version,
            form=form.label,
            is_there=file_of(self.version, form) is not None,
            job=jobs.first(),
            **kwargs,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Queue it, and show how far it is."""
        form = self._form(request.POST)
        try:
            queue_export(self.version, file_format=form, author=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("model", args=[self.version.pk]))
        address = reverse("export-model", args=[self.version.pk])
        return HttpResponseRedirect(f"{address}?format={form.value}")

    def _form(self, given: QueryDict) -> Export.Format:
        """Return the form that is asked for; LiteRT where it is none."""
        wanted = given.get("format", "")
        return Export.Format(wanted) if wanted in Export.Format.values else Export.Format.LITERT
