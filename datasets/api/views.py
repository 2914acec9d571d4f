"""Datasets, images and splits over REST: parse, call one function, render."""

from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.counts import counts_of
from datasets.api.documents import AnyAccept
from datasets.api.downloads import labels_file, zipped_class_folders
from datasets.api.filter_forms import split_named
from datasets.api.filters import SplitFilter
from datasets.api.serializers import (
    DatasetSerializer,
    ErrorSerializer,
    NewSplitSerializer,
    SplitSerializer,
)
from datasets.models import Dataset, Split
from datasets.queries import find_dataset
from datasets.splitting import make_split

ROW_ID = r"\d{1,18}"


class VisibleRows(viewsets.GenericViewSet[Any]):
    """Rows that this person may see; everything a door shows comes through here."""

    lookup_value_regex = ROW_ID
    orderings: dict[str, tuple[str, ...]] = {}

    def get_queryset(self) -> "QuerySet[Any]":
        """The rows of the view's model that the person may see."""
        return super().get_queryset().visible_to(self.request.user)  # type: ignore[attr-defined, no-any-return]

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Filter the list only: one row is that row, whatever else the address says."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset


@extend_schema(tags=["datasets"])
@extend_schema_view(
    list=extend_schema(summary="Datasets with their classes and counts"),
    retrieve=extend_schema(summary="One dataset"),
)
class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Datasets with their classes and counts."""

    queryset = Dataset.objects.select_related("created_by").prefetch_related("classes")
    serializer_class = DatasetSerializer
    lookup_field = "slug"
    lookup_value_regex = r"[-\w]+"
    orderings = {"slug": ("slug",), "-slug": ("-slug",), "id": ("id",), "-id": ("-id",)}
    required_permissions = {
        "create": ("datasets.add_dataset",),
        "partial_update": ("datasets.change_dataset",),
    }

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Count for all datasets that are shown at once."""
        shown = args[0] if args else None
        if shown is not None:
            datasets = shown if kwargs.get("many") else [shown]
            kwargs["context"] = {
                **self.get_serializer_context(),
                "counts": counts_of(datasets, self.request.user),
            }
        return super().get_serializer(*args, **kwargs)

    @extend_schema(summary="Make a dataset with the five classes", responses={201: DatasetSerializer})
    def create(self, request: Request) -> Response:
        """Make a dataset with the five classes of BioFors and their aliases."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        try:
            dataset = Dataset.objects.create_with_classes(
                values["slug"],
                name=values.get("name", ""),
                description=values.get("description", ""),
                created_by=request.user,
            )
        except IntegrityError as error:
            raise ValidationError({"slug": ["There is a dataset of this slug already."]}) from error
        return Response(self.get_serializer(dataset).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a dataset's name or description")
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change a dataset's name or description; its slug stays, because addresses hold it."""
        dataset = self.get_object()
        asked = self.get_serializer(dataset, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        if asked.validated_data.get("slug", slug) != slug:
            raise ValidationError({"slug": ["A slug is never changed: addresses and scripts hold it."]})
        asked.save()
        return Response(asked.data)


@extend_schema(tags=["splits"])
@extend_schema_view(
    list=extend_schema(summary="Splits with counts and leak reports"),
    retrieve=extend_schema(summary="One split"),
)
class SplitViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Frozen splits with their counts per class and subset, and what leaks between subsets."""

    queryset = Split.objects.select_related("dataset", "created_by")
    serializer_class = SplitSerializer
    filterset_class = SplitFilter
    required_permissions = {"create": ("datasets.add_split",)}

    @extend_schema(
        summary="Make a split and freeze it",
        request=NewSplitSerializer,
        responses={
            201: SplitSerializer,
            400: OpenApiResponse(ErrorSerializer, "`bad_ratios`, `empty_dataset`, `class_absent_from_train`"),
            409: OpenApiResponse(ErrorSerializer, "`name_taken`"),
        },
    )
    def create(self, request: Request) -> Response:
        """Assign every labelled image to train, val or test, and freeze that under a name."""
        asked = NewSplitSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        split = make_split(
            find_dataset(values["dataset"], request.user),
            name=values["name"],
            ratios=values["ratios"],
            by=values["by"],
            seed=values["seed"],
            official=values.get("official"),
            without_accepted=values["without_accepted"],
            author=request.user,
        )
        return Response(self.get_serializer(split).data, status=status.HTTP_201_CREATED)


class ExportView(GenericAPIView[Any]):
    """A dataset as a file, in the shapes that come in again."""

    queryset = Dataset.objects.all()
    content_negotiation_class = AnyAccept
    pagination_class = None

    @extend_schema(
        tags=["exports"],
        summary="A dataset's labels, or its images in class folders",
        parameters=[
            OpenApiParameter(
                "as",
                enum=["biofors", "imagefolder"],
                default="biofors",
                description="`biofors`: classification.json; `imagefolder`: a zip of class folders.",
            ),
            OpenApiParameter("split", description="With `imagefolder`: a split's id or name."),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/zip"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Send `classification.json`, or a zip of class folders as it is written."""
        dataset = find_dataset(slug, request.user)
        shape = request.query_params.get("as", "biofors")
        split = request.query_params.get("split")
        if shape == "biofors" and not split:
            return labels_file(dataset)
        if shape == "imagefolder":
            return zipped_class_folders(dataset, split=split_named(split, request.user) if split else None)
        if shape == "biofors":
            raise ValidationError({"split": ["A split goes with as=imagefolder only."]})
        raise ValidationError({"as": [f"{shape!r} is no export. There are: biofors, imagefolder."]})
