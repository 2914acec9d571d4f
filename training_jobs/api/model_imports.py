"""Imports of models over REST: queue, watch, cancel, retry."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.filter_forms import split_named
from datasets.api.serializers import ErrorSerializer
from training_jobs.api.filters import ModelImportFilter
from training_jobs.api.model_import_serializers import ModelImportSerializer, NewModelImportSerializer
from training_jobs.api.views import ILLEGAL_MOVE, JobViewSet
from training_jobs.launching import retry
from training_jobs.model_queueing import check_declared_model, queue_model_import
from training_jobs.models import ModelImport


@extend_schema(tags=["models"])
@extend_schema_view(
    list=extend_schema(summary="Imports of models"), retrieve=extend_schema(summary="One import of a model")
)
class ModelImportViewSet(JobViewSet):
    """Imports of models trained elsewhere."""

    queryset = ModelImport.objects.select_related("split__dataset", "version", "created_by")
    serializer_class = ModelImportSerializer
    listed_serializer_class = ModelImportSerializer
    filterset_class = ModelImportFilter
    parser_classes = (MultiPartParser, JSONParser)
    required_permissions = {
        "create": ("training_jobs.add_modelimport",),
        "cancel": ("training_jobs.change_modelimport",),
        "retry": ("training_jobs.change_modelimport",),
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a file that there is no room for before it is read."""
        check_declared_model(request)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        summary="Import a model trained elsewhere",
        description="Only weights are read from the file; no code in it is run. Answers with a job; when it "
        "has succeeded, its `model` is the version.",
        request={"multipart/form-data": NewModelImportSerializer},
        responses={
            202: ModelImportSerializer,
            400: OpenApiResponse(ErrorSerializer, "`not_a_model_file`, `bad_classes`, `other_classes`, ..."),
            413: OpenApiResponse(ErrorSerializer, "`model_too_large`"),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue the import of an uploaded file."""
        asked = NewModelImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        job = queue_model_import(
            values["file"],
            architecture=values["architecture"],
            classes=values["classes"],
            name=values["name"] or None,
            stated=asked.stated(),
            split=split_named(values["split"], request.user) if values["split"] else None,
            author=request.user,
        )
        return self.queued(job, ModelImportSerializer, "model-import-detail")

    @extend_schema(
        summary="Cancel the import of a model",
        request=None,
        responses={202: ModelImportSerializer, 409: ILLEGAL_MOVE},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Ask an import to end; nothing of it is kept."""
        job = self.get_object()
        job.cancel()
        return self.queued(job, ModelImportSerializer, "model-import-detail")

    @extend_schema(
        summary="Queue an ended import of a model again",
        request=None,
        responses={202: ModelImportSerializer, 409: ILLEGAL_MOVE},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed, dead or cancelled import again, while its file is kept."""
        job = self.get_object()
        retry(job)
        return self.queued(job, ModelImportSerializer, "model-import-detail")


IMPORT_MODEL = ModelImportViewSet.as_view({"post": "create"}, filterset_class=None, pagination_class=None)
