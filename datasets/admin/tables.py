"""Tables of the admin: datasets with their classes."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from datasets.admin.class_forms import ClassForm, ClassFormSet
from datasets.admin.in_use import use_dataset
from datasets.admin.page import address
from datasets.api.counts import counts_of
from datasets.models import Dataset, LabelClass
from datasets.templatetags.showing import when

_HELP = {
    "slug": "How addresses and scripts call it; it cannot be changed later. "
    "The dataset is made with the five classes: BlotGel, FAC, Macroscopy, Microscopy, Noneoftheabove.",
    "description": "Where it comes from and what it is for.",
}


class ClassInline(TabularInline):  # type: ignore[misc]
    """The classes of a dataset: how they are shown and spelt; which there are stays."""

    model = LabelClass
    form = ClassForm
    formset = ClassFormSet
    verbose_name_plural = "classes"
    readonly_fields = ("name", "shown_aliases", "shown_colour", "images")
    extra = 0
    can_delete = False
    hide_title = True
    ordering = ("position",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show aliases and colour as they look to those who may not change them."""
        if self.has_change_permission(request, obj):
            return ("name", "short", "aliases", "colour", "hotkey", "letter", "images")
        return ("name", "short", "shown_aliases", "shown_colour", "hotkey", "letter", "images")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[LabelClass]":
        """Count the labelled images of each."""
        seen: QuerySet[LabelClass] = super().get_queryset(request).visible_to(request.user)
        return seen.annotate(labelled=Count("images", filter=Q(images__excluded=False)))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Models know the classes they were trained on: none is added."""
        return False

    @admin.display(description="aliases")
    def shown_aliases(self, label_class: LabelClass) -> str:
        """Its other spellings."""
        return ", ".join(label_class.aliases) or "none"

    @admin.display(description="colour")
    def shown_colour(self, label_class: LabelClass) -> SafeString:
        """Its colour, and how that is written."""
        return format_html('<span class="swatch" style="--class: {0}"></span>{0}', label_class.colour)

    @admin.display(description="images")
    def images(self, label_class: Any) -> SafeString:
        """How many images are labelled so, and where they are."""
        there = address(
            reverse("workbench"), dataset=label_class.dataset.slug, label=label_class.name, state="labelled"
        )
        return format_html('<a class="link" href="{}">{}</a>', there, f"{label_class.labelled:,}")


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):  # type: ignore[misc]
    """Datasets with their counts; made with the five classes."""

    list_display = ("name", "slug", "images", "labelled", "unlabelled", "excluded", "made", "links")
    search_fields = ("slug", "name")
    fields = ("name", "slug", "description")
    list_per_page = 50
    actions = None

    class Media:
        css = {"all": ("css/data.css",)}

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Dataset]":
        """Only what the person may see."""
        return Dataset.objects.visible_to(request.user)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count the images of all datasets that are shown at once."""
        shown = super().get_changelist_instance(request)
        counts = counts_of(shown.result_list, request.user)
        for dataset in shown.result_list:
            dataset.state_counts = counts[dataset.pk]["states"]
        return shown

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse a text in the address that no database takes."""
        return "\0" not in value and bool(super().lookup_allowed(lookup, value, request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Find the dataset; it is the one in use from then on."""
        found = super().get_object(request, object_id, from_field)
        return use_dataset(request, found) if found else found

    def get_inlines(self, request: HttpRequest, obj: Dataset | None) -> list[Any]:
        """Show the classes of a dataset that exists."""
        return [ClassInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Dataset | None = None) -> tuple[str, ...]:
        """A slug is never changed: addresses and scripts hold it."""
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Dataset | None = None) -> dict[str, Any]:
        """Propose a slug for a new dataset."""
        return {} if obj else {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: Dataset, form: Any, change: bool) -> None:
        """Make a new dataset with the five classes."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made = Dataset.objects.create_with_classes(
            obj.slug, name=obj.name, description=obj.description, created_by=request.user
        )
        obj.pk = made.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Splits and models lean on a dataset: it stays."""
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say what a field is for."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in _HELP:
            field.help_text = _HELP[db_field.name]
        if db_field.name == "description":
            field.widget.attrs["rows"] = 3
        return field

    @admin.display(description="images")
    def images(self, dataset: Any) -> str:
        """How many images it holds."""
        return f"{dataset.state_counts['total']:,}"

    @admin.display(description="labelled")
    def labelled(self, dataset: Any) -> str:
        """How many have a label."""
        return f"{dataset.state_counts['labelled']:,}"

    @admin.display(description="unlabelled")
    def unlabelled(self, dataset: Dataset) -> str:
        """How many have none."""
        return self._linked(dataset, "unlabelled")

    @admin.display(description="excluded")
    def excluded(self, dataset: Dataset) -> str:
        """How many are left out."""
        return self._linked(dataset, "excluded")

    @admin.display(description="made", ordering="created_at")
    def made(self, dataset: Dataset) -> str:
        """When it was made."""
        return when(dataset.created_at)

    @admin.display(description="")
    def links(self, dataset: Dataset) -> SafeString:
        """Where to go with it."""
        return format_html(
            '<a class="link" href="{}">Overview</a> <a class="link" href="{}">Workbench</a> '
            '<a class="link" href="{}">Splits</a>',
            reverse("dataset", args=[dataset.slug]),
            address(reverse("workbench"), dataset=dataset.slug),
            address(reverse("splits"), dataset=dataset.slug),
        )

    def _linked(self, dataset: Any, state: str) -> str:
        """A count that leads to its images."""
        count = dataset.state_counts[state]
        if not count:
            return "0"
        there = address(reverse("workbench"), dataset=dataset.slug, state=state)
        return format_html('<a class="link" href="{}">{}</a>', there, f"{count:,}")
