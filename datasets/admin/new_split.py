"""A new split: planned and shown before it is frozen."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import slugify

from datasets.admin.page import Page
from datasets.admin.split_table import leaks_told, split_table
from datasets.errors import Refused
from datasets.models import Dataset, Split
from datasets.published_lists import parse_official
from datasets.queries import class_looks
from datasets.splitting import DEFAULT_RATIOS, SplitPlan, make_split, plan_split, read_ratios

LARGEST_LISTS = 5 * 1024 * 1024
OWN = "own"
PRESETS = (DEFAULT_RATIOS, "70:15:15")
BY = {
    Split.By.PAPER: "Whole papers stay together. Scores tell how a model does on papers it has never seen.",
    Split.By.PANEL_GROUP: (
        "Near-copies within a figure stay together, papers do not: scores come out too good."
    ),
    Split.By.IMAGE: (
        "Nothing stays together; near-copies lie on both sides: scores come out far too good. "
        "For comparison with work that did the same."
    ),
}
_SEED = "The seed is a whole number from 0 to 2,147,483,647."
# The field that a refusal is shown at; those that no field can mend are shown in place of the plan.
_FIELD_OF = {
    "bad_ratios": "ratios",
    "bad_seed": "seed",
    "bad_by": "by",
    "bad_name": "name",
    "name_taken": "name",
    "not_a_split_file": "file",
    "unknown_paper": "file",
}


class NewSplitForm(forms.Form):
    """How to split; published lists travel along as JSON once they were uploaded."""

    ratios = forms.ChoiceField(
        choices=[*((each, each) for each in PRESETS), (OWN, "Other")],
        error_messages={"invalid_choice": "Choose one of the ratios, or Other."},
    )
    own = forms.CharField(required=False)
    by = forms.ChoiceField(
        choices=Split.By.choices,
        error_messages={"invalid_choice": "A split is made by paper, panel group or image. Choose one."},
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        error_messages={name: _SEED for name in ("required", "invalid", "min_value", "max_value")},
    )
    without_accepted = forms.BooleanField(required=False)
    name = forms.CharField(max_length=200, required=False, strip=True)
    lists = forms.CharField(required=False)
    lists_name = forms.CharField(max_length=255, required=False)
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        max_length=255,
        error_messages={"max_length": "The file's name is too long. Rename it."},
    )

    def clean(self) -> dict[str, Any]:
        """Read the ratios, and the published lists of the file or of those carried along."""
        values = dict(super().clean() or {})
        try:
            if "ratios" in values:
                own = str(self["own"].value() or "")
                values["shares"] = read_ratios(own if values["ratios"] == OWN else values["ratios"])
        except Refused as refusal:
            self.add_error("ratios", str(refusal))
        try:
            values["official"] = self._official(values)
        except Refused as refusal:
            self.add_error("file", str(refusal))
        return values

    def _official(self, values: dict[str, Any]) -> dict[str, list[str]] | None:
        if file := values.get("file"):
            if file.size > LARGEST_LISTS:
                raise Refused("The file is larger than 5 MB: is it a list of papers? Choose another.")
            return parse_official(file.read())
        return parse_official(values["lists"].encode()) if values.get("lists") else None

    def how(self) -> dict[str, Any]:
        """Return what `plan_split` and `make_split` are asked for."""
        values = self.cleaned_data
        return {
            "ratios": values["shares"],
            "by": Split.By.PAPER.value if values["official"] else values["by"],
            "seed": values["seed"],
            "official": values["official"],
            "without_accepted": values["without_accepted"],
        }


class NewSplitPage(Page):
    """A split to make: its plan is worked out anew for every choice; freezing is a step of its own."""

    title = "New split"
    template_name = "datasets/new_split.html"
    permissions = ("datasets.view_split", "datasets.add_split")
    post_permissions = ("datasets.add_split",)
    of_dataset = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the plan of what the address asks for."""
        return self._planned(NewSplitForm(_asked(request.GET)))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the plan with published lists (`action=plan`), or freeze it (`action=freeze`)."""
        form = NewSplitForm(_asked(request.POST), request.FILES)
        dataset = self.dataset
        if dataset is None:
            raise Refused("There is no dataset to split. Import one first.", code="unknown_dataset")
        if request.POST.get("action") != "freeze":
            if not request.POST.get("lists") and "file" not in request.FILES:
                form.add_error("file", "Choose a file with lists of papers first.")
            return self._planned(form)
        if not form.is_valid():
            return self._planned(form)
        try:
            name = form.cleaned_data["name"]
            split = make_split(dataset, name=name, author=request.user, **form.how())
        except Refused as refusal:
            return self._planned(form, refusal)
        messages.success(request, f"The split {split.name} is frozen.")
        if request.POST.get("planned") not in (None, _fingerprint(split.counts)):
            messages.warning(
                request, "Labels changed since the plan was shown: these counts are the frozen ones."
            )
        return HttpResponseRedirect(reverse("split", args=[split.pk]))

    def _planned(self, form: NewSplitForm, refusal: Refused | None = None) -> HttpResponse:
        """Show the page with the plan, or with why there is none."""
        plan, cause = None, refusal
        if self.dataset and form.is_valid():
            try:
                plan = plan_split(self.dataset, **form.how())
            except Refused as refused:
                cause = refused
        if cause and (field := _FIELD_OF.get(cause.code)):
            form.add_error(field, str(cause))
            cause = None
        return self.render_to_response(self.get_context_data(form=form, plan=plan, cause=cause))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the plan as a table, and what is carried from it to freezing."""
        context = super().get_context_data(**kwargs)
        dataset, form, plan = self.dataset, context["form"], context["plan"]
        if dataset is None:
            return context
        # Lists that no split can be made by are not carried on: the page asks for others.
        official = None if form["file"].errors else form.cleaned_data.get("official")
        return {
            **context,
            **(_shown(plan, official=bool(official)) if plan else {}),
            "looks": class_looks(dataset),
            "by": [(value, label, BY[Split.By(value)]) for value, label in Split.By.choices],
            "official": official,
            "lists": json.dumps(official) if official else "",
            "lists_name": _lists_name(form) if official else "",
            "listed": {subset: len(papers) for subset, papers in official.items()} if official else {},
            "proposed": form["name"].value() or _proposed_name(dataset, form) if plan else "",
        }


def _asked(sent: Any) -> Any:
    """Return what was sent, with the defaults for what was not; ratios that are no preset are one's own."""
    asked = sent.copy()
    for name, value in (("ratios", DEFAULT_RATIOS), ("by", Split.By.PAPER.value), ("seed", "0")):
        asked.setdefault(name, value)
    if asked["ratios"] not in (*PRESETS, OWN):
        asked["own"], asked["ratios"] = asked["ratios"], OWN
    asked.setdefault("own", asked["ratios"] if asked["ratios"] != OWN else "")
    return asked


def _shown(plan: SplitPlan, *, official: bool) -> dict[str, Any]:
    """Return a plan as the page shows it."""
    counts = {"classes": plan.counts, "images": plan.images, "papers": plan.papers}
    return {
        "table": split_table(counts, None if official else plan.ratios),
        "leak": leaks_told(plan.leak_report),
        "warnings": plan.warnings,
        "planned": _fingerprint(counts),
    }


def _fingerprint(counts: dict[str, Any]) -> str:
    """Return a text that differs where a plan's counts differ."""
    return json.dumps([counts["classes"], counts["papers"]], sort_keys=True)


def _lists_name(form: NewSplitForm) -> str:
    file = form.cleaned_data.get("file")
    return str(file.name if file else form.cleaned_data.get("lists_name") or "published lists")


def _proposed_name(dataset: Dataset, form: NewSplitForm) -> str:
    """Return a name that says how the split is made and is not taken."""
    how = form.how()
    ratios = "-".join(f"{share:g}" for share in how["ratios"])
    seed = f"-seed{how['seed']}" if how["seed"] else ""
    name = "published" + seed if how["official"] else f"{slugify(how['by'])}-{ratios}{seed}"
    name += "-without-accepted" if how["without_accepted"] else ""
    name = name.replace(".", "_")[:56]
    taken = set(dataset.splits.filter(name__startswith=name).values_list("name", flat=True))
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbered if each not in taken)
