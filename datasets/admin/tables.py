"""Tables of the admin: datasets with their classes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from datasets.admin.page import address
from datasets.api.counts import counts_of
from datasets.models import Dataset, LabelClass


class ClassInline(TabularInline):  # type: ignore[misc]
    """The classes of a dataset: how they are shown and spelt; which there are stays."""

    model = LabelClass
    fields = ("name", "short", "aliases", "colour", "hotkey")
    readonly_fields = ("name",)
    extra = 0
    can_delete = False
    ordering = ("position",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Models know the classes they were trained on: none is added."""
        return False


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):  # type: ignore[misc]
    """Datasets with their counts; made with the five classes."""

    list_display = (
        "shown_name",
        "slug",
        "images",
        "labelled",
        "unlabelled",
        "excluded",
        "created_at",
        "links",
    )
    search_fields = ("slug", "name")
    fields = ("name", "slug", "description")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Dataset]":
        """Only what the person may see."""
        return Dataset.objects.visible_to(request.user)

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

    @admin.display(description="dataset", ordering="name")
    def shown_name(self, dataset: Dataset) -> str:
        """Its name."""
        return dataset.name

    @admin.display(description="images")
    def images(self, dataset: Dataset) -> str:
        """How many images it holds."""
        return self._count(dataset, "total")

    @admin.display(description="labelled")
    def labelled(self, dataset: Dataset) -> str:
        """How many have a label."""
        return self._count(dataset, "labelled")

    @admin.display(description="unlabelled")
    def unlabelled(self, dataset: Dataset) -> str:
        """How many have none."""
        return self._count(dataset, "unlabelled")

    @admin.display(description="excluded")
    def excluded(self, dataset: Dataset) -> str:
        """How many are left out."""
        return self._count(dataset, "excluded")

    @admin.display(description="")
    def links(self, dataset: Dataset) -> SafeString:
        """Where to go with it."""
        return format_html(
            '<a href="{}">Open in the workbench</a>', address(reverse("workbench"), dataset=dataset.slug)
        )

    def _count(self, dataset: Dataset, state: str) -> str:
        if not hasattr(dataset, "state_counts"):
            setattr(dataset, "state_counts", counts_of([dataset])[dataset.pk]["states"])  # noqa: B010
        return f"{getattr(dataset, 'state_counts')[state]:,}"  # noqa: B009
