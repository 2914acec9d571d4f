"""Saved views over REST: each person's own, and what others share."""

from typing import Any

import django_filters
from django.core.validators import RegexValidator
from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.filter_forms import DatasetForm
from datasets.api.filters import RowsFilter
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.errors import Refused
from datasets.models import SavedView
from datasets.queries import find_dataset

MOST_PARAMETERS = 40
SEES_IMAGES = ("datasets.view_image",)
NAME_TAKEN = OpenApiResponse(ErrorSerializer, "`name_taken`: you have a view of this name.")


class NameTaken(Refused):
    """Raised where the person has a view of that name for the dataset."""

    code = "name_taken"
    status = 409


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """A choice of images under a name; `mine` says whether the person who asks may change it."""

    dataset = serializers.CharField(source="dataset.slug", max_length=64, help_text="The dataset's slug.")
    name = serializers.CharField(max_length=64)
    query = serializers.DictField(
        child=serializers.CharField(max_length=500),
        help_text="The parameters of the workbench's address, without `dataset`.",
    )
    owner = serializers.CharField(source="owner.username", read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = SavedView
        fields = ("id", "dataset", "name", "query", "shared", "owner", "mine", "created_at")
        read_only_fields = ("created_at",)

    def get_mine(self, view: SavedView) -> bool:
        """Whether the person who asks is the owner."""
        return bool(view.owner_id == self.context["request"].user.pk)

    def validate_query(self, query: dict[str, str]) -> dict[str, str]:
        """Take names of parameters, but for the dataset, which stands beside."""
        if len(query) > MOST_PARAMETERS:
            raise serializers.ValidationError(f"A view has at most {MOST_PARAMETERS} parameters.")
        is_name = RegexValidator(r"^[a-z][a-z_]{0,31}\Z", "A parameter's name has small letters only.")
        for name in query:
            is_name(name)
        return {name: value for name, value in query.items() if name != "dataset"}


class SavedViewFilter(RowsFilter):
    """Saved views by dataset."""

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")

    class Meta:
        model = SavedView
        fields: list[str] = []
        form = DatasetForm


@extend_schema(tags=["views"])
@extend_schema_view(list=extend_schema(summary="Your saved views, and those that others share"))
class SavedViewViewSet(mixins.ListModelMixin, VisibleRows):
    """Saved views. Whoever sees images may save views of them; only its owner changes a view."""

    queryset = SavedView.objects.select_related("dataset", "owner")
    serializer_class = SavedViewSerializer
    filterset_class = SavedViewFilter
    orderings = {"name": ("name", "id"), "-name": ("-name", "-id")}
    required_permissions = {
        "list": SEES_IMAGES,
        "create": SEES_IMAGES,
        "partial_update": SEES_IMAGES,
        "destroy": SEES_IMAGES,
    }

    @extend_schema(summary="Save a view", responses={201: SavedViewSerializer, 409: NAME_TAKEN})
    def create(self, request: Request) -> Response:
        """Save a choice of images under a name of one's own."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        dataset = find_dataset(asked.validated_data["dataset"]["slug"], request.user)
        self._save(asked, dataset=dataset, owner=request.user)
        return Response(asked.data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Rename, share or change a view of yours",
        responses={200: SavedViewSerializer, 409: NAME_TAKEN},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a view's name, its query, or whether others see it; it stays with its dataset."""
        view = self._own()
        asked = self.get_serializer(view, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        asked.validated_data.pop("dataset", None)
        self._save(asked)
        return Response(asked.data)

    @extend_schema(summary="Delete a view of yours", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a view."""
        self._own().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _own(self) -> SavedView:
        """Return the view asked for, if it is the person's own."""
        view: SavedView = self.get_object()
        if view.owner_id != self.request.user.pk:
            raise PermissionDenied(f"This view is {view.owner.get_username()}'s. Save one of your own.")
        return view

    def _save(self, asked: Any, **fields: Any) -> None:
        try:
            with transaction.atomic():
                asked.save(**fields)
        except IntegrityError as error:
            raise NameTaken("You have a view of this name already. Choose another name.") from error
