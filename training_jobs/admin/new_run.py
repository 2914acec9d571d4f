"""A new training run in the browser."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from classifier.models import ModelVersion
from classifier.networks.config import ARCHITECTURES, TrainingConfig, how_to_supply_weights
from classifier.networks.errors import NetworkError
from classifier.networks.recipes import RECIPES
from datasets.admin.page import Page
from datasets.errors import Refused
from datasets.models import Split
from training_jobs.admin.forms import SETTINGS, RunForm, asked_for, defaults_of, for_architecture, like
from training_jobs.admin.jobs import id_in
from training_jobs.launching import queue_again, queue_training
from training_jobs.models import TrainingRun


class NewRunPage(Page):
    """A run to queue: empty, or filled like another (`?clone=`)."""

    title = "New run"
    template_name = "training_jobs/new_run.html"
    permissions = ("training_jobs.view_trainingrun", "training_jobs.add_trainingrun")
    form_class: type[RunForm] = RunForm
    proposed: Mapping[str, Any] = {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form."""
        cloned = self._start()
        split = self._split_asked_for() or self._proposed_split()
        initial = like(cloned) if cloned else asked_for(request.GET, split=split)
        return self._form_page(self._form(initial={**initial, **self.proposed}))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue the run; or only show the settings of another architecture."""
        self._start()
        sent = for_architecture(request.POST)
        if "show" in request.POST:
            # Filled in, but not judged yet.
            filled = {
                name: sent.get(name, "") for name in (*SETTINGS, "split", "architecture", "name", "priority")
            }
            return self._form_page(self._form(initial=filled))
        form = self._form(sent)
        if form is None or not form.is_valid():
            return self._form_page(form, status=400)
        try:
            run = queue_training(
                form.cleaned_data["split"],
                architecture=form.cleaned_data["architecture"],
                name=form.cleaned_data["name"] or None,
                config=form.config(),
                priority=form.cleaned_data["priority"] or 0,
                author=request.user,
            )
        except Refused as refusal:
            form.refuse(refusal)
            return self._form_page(form, status=refusal.status)
        messages.success(request, f"Run {run.pk} was queued, with the labels of that moment.")
        return HttpResponseRedirect(reverse("run", args=[run.pk]))

    def _start(self) -> TrainingRun | None:
        """Take the dataset from what the address asks for; return the run to clone."""
        if clone := id_in(self.request.GET.get("clone", "")):
            seen = TrainingRun.objects.visible_to(self.request.user).select_related("split__dataset")
            run: TrainingRun = get_object_or_404(seen, pk=clone)
            self.use(run.split.dataset)
            self.title = f"{self.title}, like run {run.pk}"
            return run
        if (split := self._splits().filter(pk=self._split_asked_for()).first()) is not None:
            self.use(split.dataset)
        return None

    def _split_asked_for(self) -> int | None:
        return id_in(self.request.GET.get("split", ""))

    def _proposed_split(self) -> int | None:
        """Return the newest split that does not leak, else the newest."""
        splits = list(self._splits().filter(dataset=self.dataset)) if self.dataset else []
        return next((split.pk for split in (*(s for s in splits if not s.leaks), *splits)), None)

    def _splits(self) -> Any:
        return Split.objects.visible_to(self.request.user).select_related("dataset").order_by("-pk")

    def _form(self, sent: Any = None, *, initial: dict[str, Any] | None = None) -> RunForm | None:
        """Return the form over the splits of the dataset; None without a dataset."""
        if self.dataset is None:
            return None
        architecture = str((sent if sent is not None else initial or {}).get("architecture") or "cnn")
        return self.form_class(
            sent,
            initial=initial,
            splits=self._splits().filter(dataset=self.dataset),
            dataset=self.dataset,
            architecture=architecture if architecture in ARCHITECTURES else "cnn",
        )

    def _form_page(self, form: RunForm | None, *, status: int = 200) -> HttpResponse:
        """Show the form with what belongs beside it."""
        splits = list(form.fields["split"].queryset) if form else []  # type: ignore[attr-defined]
        chosen = str(form["split"].value() or (splits[0].pk if splits else "")) if form else ""
        context = self.get_context_data(
            form=form,
            splits=splits,
            chosen_split=chosen,
            weights=_weights(),
            recipes=RECIPES.values(),
            recipe=self.request.GET.get("recipe", ""),
            may_split=self.may("datasets.add_split"),
            setup={
                "defaults": {name: defaults_of(name) for name in ARCHITECTURES},
                "names": dict(ModelVersion.Architecture.choices),
                "dataset": self.dataset.slug if self.dataset else "",
            },
        )
        return self.render_to_response(context, status=status)


class AgainPage(Page):
    """What queues the training of a version again; where that is refused, its page says why."""

    http_method_names = ["post"]
    permissions = ("training_jobs.view_trainingrun", "training_jobs.add_trainingrun")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue the run, and follow it."""
        seen = ModelVersion.objects.visible_to(request.user).select_related("split")
        version: ModelVersion = get_object_or_404(seen, pk=self.kwargs["version"])
        try:
            run = queue_again(version, author=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("model", args=[version.pk]))
        messages.success(
            request, f"Run {run.pk} was queued: it trains {version} again, with the labels of then."
        )
        return HttpResponseRedirect(reverse("run", args=[run.pk]))


def _weights() -> dict[str, Any]:
    """Say where the ResNet50 base gets its weights, and whether that is a reason to think twice."""
    config = TrainingConfig.defaults("resnet50", weights=settings.RESNET50_WEIGHTS)
    name = config.described()["weights"]
    try:
        config.check_weights()
    except NetworkError as error:
        return {"missing": True, "told": [str(error)]}
    if name == "none":
        told = (
            "This installation has no ImageNet weights (RESNET50_WEIGHTS is none): ResNet50 learns from "
            "random weights, slowly, and only from many images."
        )
        return {"missing": True, "told": [told, how_to_supply_weights()]}
    if name == "imagenet":
        told = (
            "Its base starts from the ImageNet weights, which the training worker downloads (95 MB) unless "
            "it has them. Where it cannot, the run fails and says so."
        )
        how = how_to_supply_weights()
        return {"missing": False, "told": [told, f"Without a download: {how[:1].lower()}{how[1:]}"]}
    return {"missing": False, "told": [f"Its base starts from the ImageNet weights in {name}."]}
