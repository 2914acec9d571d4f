"""Imports of archives over REST: queue, watch."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.registry import find_model
from datasets.api.serializers import ErrorSerializer
from training_jobs.api.filters import ImportJobFilter
from training_jobs.api.import_serializers import (
    ImportJobDetailSerializer,
    ImportJobSerializer,
    NewImportSerializer,
)
from training_jobs.api.views import JobViewSet
from training_jobs.archives import check_declared_size
from training_jobs.launching import queue_import
from training_jobs.models import ImportJob


@extend_schema(tags=["imports"])
@extend_schema_view(
    list=extend_schema(
        summary="Imports and dry runs, without the entries of each", responses=ImportJobSerializer(many=True)
    ),
    retrieve=extend_schema(summary="One import"),
)
class ImportJobViewSet(JobViewSet):
    """Imports of archives."""

    queryset = ImportJob.objects.select_related("created_by")
    serializer_class = ImportJobDetailSerializer
    listed_serializer_class = ImportJobSerializer
    only_in_detail = ("entries",)
    filterset_class = ImportJobFilter
    parser_classes = (MultiPartParser, JSONParser)
    required_permissions = {"create": ("training_jobs.add_importjob",)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an archive that there is no room for before it is read."""
        check_declared_size(request)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        summary="Queue an import or its dry run",
        request={"multipart/form-data": NewImportSerializer},
        responses={
            202: ImportJobDetailSerializer,
            413: OpenApiResponse(ErrorSerializer, "`archive_too_large`"),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue the import of a zip, or of the archive that a finished dry run has checked."""
        asked = NewImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        job = queue_import(
            values.get("archive"),
            dataset_slug=values.get("dataset", ""),
            dry_run=values["dry_run"],
            author=request.user,
            checked_by=self._checked(values["checked_by"]) if "checked_by" in values else None,
            classify_with=find_model(values["classify_with"], request.user)
            if values.get("classify_with")
            else None,
        )
        return self.queued(job, ImportJobDetailSerializer, "import-detail")

    def _checked(self, pk: int) -> ImportJob:
        """Return the dry run of that id."""
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise ValidationError({"checked_by": [f"There is no import {pk}."]})
        return found  # type: ignore[no-any-return]
