"""Imports of models in the browser: a file of weights and what it does not say; one import followed."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from classifier.networks.foreign.stated import STATED, Stated
from datasets.errors import Refused
from datasets.models import Dataset, Split
from datasets.models.label_class import DEFAULT_CLASSES
from datasets.queries import class_looks, usual_looks
from training_jobs.admin.jobs import CAN_CANCEL, CAN_RETRY, LivePage, log_of_states, moved, took
from training_jobs.admin.uploading import UploadPage
from training_jobs.launching import queue_places, queue_position
from training_jobs.model_queueing import check_declared_model, queue_model_import, room_for_model
from training_jobs.models import Job, ModelImport

FIRST = ("preprocessing", "geometry", "image_size")
FURTHER = ("pooling", "activation", "padding")
_FIELD_OF = {
    "model_missing": "file",
    "model_too_large": "file",
    "not_a_model_file": "file",
    "bad_classes": "classes",
    "bad_name": "name",
    "other_classes": "split",
    "empty_subset": "split",
}
_WORDS = {
    "usual": "usual for the architecture",
    "caffe": "caffe: preprocess_input of ResNet50",
    "unit": "unit: divided by 255",
    "tf": "tf: from -1 to 1",
    "none": "none: 0 to 255",
    "file": "as the file says, else the usual",
}
# What a retry may mend: the rest speaks of the file or of what was stated.
_MAY_RETRY = (
    "unexpected",
    "worker_lost",
    "disk_full",
    "import_failed",
    "import_timed_out",
    "out_of_memory",
    "",
)
_ADVICE = {
    "unexpected": "Retry it. If it fails again, the log of the inference worker says where.",
    "worker_lost": "Retry it. If its worker is lost again, the log of the inference worker says why.",
}


class ModelForm(forms.Form):
    """A file of weights and what is stated of it."""

    file = forms.FileField(
        allow_empty_file=True,
        max_length=255,
        error_messages={
            "required": "Choose a file first.",
            "max_length": "The file's name is longer than 255 characters. Rename it.",
        },
    )
    architecture = forms.ChoiceField(choices=[(each, each) for each in STATED["architecture"].choices])
    classes = forms.CharField(
        max_length=7000, error_messages={"required": "Name the classes, separated by commas."}
    )
    name = forms.CharField(required=False, max_length=200)
    split = forms.ModelChoiceField(
        Split.objects.none(),
        required=False,
        error_messages={"invalid_choice": "There is no such split any more. Choose another."},
    )

    def __init__(self, *args: Any, splits: Any, **kwargs: Any) -> None:
        """Offer the splits there are, and the settings that may be stated."""
        super().__init__(*args, **kwargs)
        self.fields["split"].queryset = splits  # type: ignore[attr-defined]
        usual = Stated(architecture="resnet50").as_dict()
        for name in (*FIRST, *FURTHER):
            field = STATED[name]
            told = {"label": field.label, "help_text": field.help, "initial": usual[name], "required": False}
            self.fields[name] = (
                forms.ChoiceField(choices=[(each, _WORDS.get(each, each)) for each in field.choices], **told)
                if field.choices
                else forms.IntegerField(**told)
            )

    @property
    def first(self) -> list[Any]:
        """The settings that a person is to look at."""
        return [self[name] for name in FIRST]

    @property
    def further(self) -> list[Any]:
        """The settings that only weights without their network ask for."""
        return [self[name] for name in FURTHER]

    @property
    def further_is_open(self) -> bool:
        """Whether a setting among the further ones is wrong."""
        return any(self[name].errors for name in FURTHER)

    def stated(self) -> dict[str, Any]:
        """Return the settings sent."""
        sent = {name: self.cleaned_data[name] for name in (*FIRST, *FURTHER)}
        return {name: value for name, value in sent.items() if value not in ("", None)}

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at the fields it speaks of, else at the one that it is known for."""
        if refusal.code == "invalid_config" and refusal.fields:
            for name, sentences in refusal.fields.items():
                self.add_error(name if name in self.fields else None, sentences)
        else:
            self.add_error(_FIELD_OF.get(refusal.code), str(refusal))


@dataclass(frozen=True)
class Row:
    """An import as the list shows it."""

    job: ModelImport
    place: int
    seconds: float | None


class ImportModelPage(UploadPage):
    """A form that takes a file of weights, and the imports there were."""

    title = "Import a model"
    template_name = "training_jobs/import_model.html"
    permissions = ("training_jobs.view_modelimport", "classifier.view_modelversion")
    post_permissions = ("training_jobs.add_modelimport",)
    check_declared = staticmethod(check_declared_model)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep the file and queue its import."""
        form = ModelForm(request.POST, request.FILES, splits=self._splits())
        if form.is_valid():
            values = form.cleaned_data
            try:
                job = queue_model_import(
                    values["file"],
                    architecture=values["architecture"],
                    classes=values["classes"],
                    name=values["name"] or None,
                    stated=form.stated(),
                    split=values["split"],
                    author=request.user,
                )
            except Refused as refusal:
                form.refuse(refusal)
            else:
                return HttpResponseRedirect(reverse("model-import", args=[job.pk]))
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the form and a page of imports."""
        context = super().get_context_data(**kwargs)
        jobs, older = self.listed(
            ModelImport.objects.visible_to(self.request.user).select_related("created_by", "version")
        )
        places = queue_places(ModelImport)
        return {
            "form": ModelForm(initial=self._proposed(), splits=self._splits()),
            **context,
            "rows": [Row(job, places.get(job.pk, 0), took(job)) for job in jobs],
            "older": older,
            "before": self.request.GET.get("before", ""),
            "room": room_for_model(),
            "may_import": self.may(*self.post_permissions),
        }

    def _proposed(self) -> dict[str, Any]:
        """Return what the form begins with: the classes in their order, the newest split of the dataset."""
        names = [each["name"] for each in DEFAULT_CLASSES]
        if self.dataset is not None:
            names = list(self.dataset.classes.order_by("position").values_list("name", flat=True))
        split = self._splits().filter(dataset=self.dataset).order_by("-pk").first()
        return {"architecture": "resnet50", "classes": ", ".join(names), "split": split.pk if split else ""}

    def _splits(self) -> Any:
        return Split.objects.visible_to(self.request.user).select_related("dataset")


class ModelImportPage(LivePage):
    """One import of a model, followed while it is at work."""

    template_name = "training_jobs/model_import.html"
    permissions = ("training_jobs.view_modelimport",)
    post_permissions = ("training_jobs.change_modelimport",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Cancel the import, or queue it again."""
        job = self._job()
        there = reverse("model-import", args=[job.pk])
        return moved(request, job, there=there, name=f"The import of {job.file_name}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the import, what came of it, and its log."""
        job = self._job()
        dataset: Dataset | None = job.split.dataset if job.split else None
        if dataset:
            self.use(dataset)
        return {
            **super().get_context_data(**kwargs),
            "title": f"Import of {job.file_name}",
            "job": job,
            "place": queue_position(job),
            "seconds": took(job),
            "looks": class_looks(dataset) if dataset else usual_looks(),
            "stated": _told(job.stated),
            "built": job.version.config if job.version else {},
            "log": log_of_states(job),
            "advice": _ADVICE.get(job.error_code, ""),
            "may_cancel": job.state in CAN_CANCEL and self.may(*self.post_permissions),
            "may_retry": job.state in CAN_RETRY
            and job.error_code in _MAY_RETRY
            and self.may(*self.post_permissions),
            "may_import": self.may("training_jobs.add_modelimport"),
            "has_ended_badly": job.state in (Job.State.FAILED, Job.State.DEAD),
            "setup": {
                "source": reverse("model-import-detail", args=[job.pk]),
                "active": job.is_active,
                "shape": [job.state, job.attempt, job.total, len(job.events)],
            },
        }

    def _job(self) -> ModelImport:
        seen = ModelImport.objects.visible_to(self.request.user).select_related(
            "created_by", "version", "evaluation", "split__dataset"
        )
        found: ModelImport = get_object_or_404(seen, pk=self.kwargs["pk"])
        return found


def _told(stated: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was stated, as label and words; what is not of the architecture is left out."""
    return [
        (field.label, _WORDS["file"] if name == "image_size" and not stated[name] else _word(stated[name]))
        for name, field in STATED.items()
        if name != "architecture" and name in stated and field.applies_to(stated["architecture"])
    ]


def _word(value: Any) -> str:
    return _WORDS.get(value, str(value))
