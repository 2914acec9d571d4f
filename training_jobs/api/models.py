"""Models over REST, with what takes a worker or reaches into its rows: exports, and deletion."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.views import ModelViewSet
from classifier.models import Export
from datasets.api.serializers import ErrorSerializer
from training_jobs.api.serializers import JOB_FIELDS, JobSerializer
from training_jobs.api.views import ILLEGAL_MOVE, JobViewSet
from training_jobs.deleting import delete_version
from training_jobs.exporting import queue_export
from training_jobs.models import ExportJob


class ExportJobSerializer(JobSerializer):
    """The making of a further form of a model."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    format = serializers.ChoiceField(choices=Export.Format.choices, read_only=True)

    class Meta:
        model = ExportJob
        fields = ("id", "model", "model_name", "format", *JOB_FIELDS)
        read_only_fields = fields


class NewExportSerializer(serializers.Serializer[Any]):
    """A form to make."""

    format = serializers.ChoiceField(choices=Export.Format.choices, default=Export.Format.LITERT)


@extend_schema(tags=["models"])
@extend_schema_view(list=extend_schema(summary="Exports asked for"), retrieve=extend_schema(summary="One"))
class ExportJobViewSet(JobViewSet):
    """Exports that a worker makes, or made."""

    queryset = ExportJob.objects.select_related("version", "created_by")
    serializer_class = ExportJobSerializer
    listed_serializer_class = ExportJobSerializer
    required_permissions = {"cancel": ("training_jobs.change_exportjob",)}

    @extend_schema(
        summary="Cancel an export", request=None, responses={202: ExportJobSerializer, 409: ILLEGAL_MOVE}
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Ask an export to end; nothing of it is left."""
        job = self.get_object()
        job.cancel()
        return self.queued(job, ExportJobSerializer, "export-job-detail")


@extend_schema(tags=["models"])
class WideModelViewSet(ModelViewSet):
    """Model versions, with the doors that queue exports and delete."""

    required_permissions = {
        **ModelViewSet.required_permissions,
        "destroy": ("classifier.delete_modelversion",),
        "exports": ("training_jobs.add_exportjob",),
    }

    @extend_schema(
        summary="Delete a model for good",
        parameters=[
            OpenApiParameter("name", required=True, description="Its name@version, as a confirmation."),
            OpenApiParameter("reason", description="Why; kept with its name and number."),
        ],
        responses={
            204: None,
            400: OpenApiResponse(ErrorSerializer, "`name_needed`"),
            409: OpenApiResponse(ErrorSerializer, "`model_in_use`: the detail says by what."),
        },
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a model with its predictions, evaluations and files; refused while anything needs it."""
        given = request.query_params
        delete_version(
            self.get_object(), name=given.get("name", ""), reason=given.get("reason", ""), author=request.user
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Queue a further form of it",
        request=NewExportSerializer,
        responses={
            202: ExportJobSerializer,
            400: OpenApiResponse(ErrorSerializer, "`int8_off`: INT8 is not made here."),
            409: OpenApiResponse(ErrorSerializer, "`already_exported`"),
        },
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def exports(self, request: Request, pk: str) -> Response:
        """Queue the making of a form, LiteRT or INT8; once it has succeeded, download it, or see why not."""
        version = self.get_object()
        asked = NewExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        job = queue_export(version, file_format=asked.validated_data["format"], author=request.user)
        body = ExportJobSerializer(job, context=self.get_serializer_context()).data
        location = reverse("export-job-detail", args=[job.pk], request=request)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": location})
