"""A new sweep in the browser."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from datasets.errors import Refused
from training_jobs.admin.jobs import id_in
from training_jobs.admin.new_run import NewRunPage
from training_jobs.admin.sweep_form import SweepForm
from training_jobs.sweeping import queue_sweep


class NewSweepPage(NewRunPage):
    """A sweep to queue: around the defaults, a recipe (`?recipe=`) or the settings of a run (`?clone=`)."""

    title = "New sweep"
    template_name = "training_jobs/new_sweep.html"
    form_class = SweepForm
    proposed = {"best_by": "val_macro_f1", "name": ""}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the run whose settings are searched around."""
        return super().get_context_data(clone=id_in(self.request.GET.get("clone", "")), **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue the sweep."""
        self._start()
        form = self._form(request.POST)
        if not isinstance(form, SweepForm) or not form.is_valid():
            return self._form_page(form, status=400)
        told = form.cleaned_data
        try:
            sweep = queue_sweep(
                told["split"],
                architecture=told["architecture"],
                name=told["name"] or None,
                config=form.config(),
                vary=form.varied(),
                number=told["candidates"],
                method=told["method"],
                folds=told["folds"],
                seed=told["sweep_seed"],
                author=request.user,
            )
        except Refused as refusal:
            form.refuse(refusal)
            return self._form_page(form, status=refusal.status)
        messages.success(request, f"Sweep {sweep.pk} was queued, with the labels of that moment.")
        return HttpResponseRedirect(reverse("sweep", args=[sweep.pk]))
