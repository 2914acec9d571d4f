"""Training runs, inference and evaluations over REST: queue, watch, cancel, retry."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.api.evaluation_serializers import NewEvaluationSerializer
from classifier.api.evaluations import EvaluationViewSet
from classifier.registry import find_model
from datasets.api.filter_forms import split_named
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.queries import find_dataset
from training_jobs.api.filters import InferenceJobFilter, TrainingRunFilter
from training_jobs.api.results import csv_lines, json_lines
from training_jobs.api.serializers import (
    InferenceJobDetailSerializer,
    InferenceJobSerializer,
    NewInferenceJobSerializer,
    NewTrainingRunSerializer,
    PrioritySerializer,
    TrainingRunDetailSerializer,
    TrainingRunSerializer,
)
from training_jobs.launching import (
    queue_again,
    queue_evaluation,
    queue_inference,
    queue_places,
    queue_training,
    retry,
)
from training_jobs.models import InferenceJob, TrainingRun

ILLEGAL_MOVE = OpenApiResponse(ErrorSerializer, "`illegal_move`: its state does not allow this.")


class LongWorkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """A list of long work, one of it, and the answer to what was queued.

    A list goes without what is `only_in_detail`.
    """

    listed_serializer_class: type[Any]
    only_in_detail: tuple[str, ...] = ()

    def get_queryset(self) -> "QuerySet[Any]":
        """For a list, leave large columns in the database."""
        rows = super().get_queryset()
        return rows.defer(*self.only_in_detail) if self.action == "list" else rows

    def get_serializer_class(self) -> Any:
        """For a list, say less of each."""
        return self.listed_serializer_class if self.action == "list" else super().get_serializer_class()

    def queued(self, work: Any, serializer: type[Any], route: str) -> Response:
        """Answer 202 with work that was queued, and where to watch it."""
        body = serializer(work, context=self.get_serializer_context()).data
        location = reverse(route, args=[work.pk], request=self.request)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class JobViewSet(LongWorkViewSet):
    """Jobs, each with its place among those of its kind that wait."""

    def get_serializer_context(self) -> dict[str, Any]:
        """For a list, find the places of all that wait at once."""
        context = dict(super().get_serializer_context())
        if getattr(self, "action", None) == "list":
            context["positions"] = queue_places(self.get_queryset().model)
        return context


@extend_schema(tags=["training"])
@extend_schema_view(
    list=extend_schema(summary="Training runs", responses=TrainingRunSerializer(many=True)),
    retrieve=extend_schema(summary="One run with its epochs"),
)
class TrainingRunViewSet(JobViewSet):
    """Training runs."""

    queryset = TrainingRun.objects.select_related(
        "split__dataset", "version", "created_by", "candidate__sweep"
    )
    serializer_class = TrainingRunDetailSerializer
    listed_serializer_class = TrainingRunSerializer
    filterset_class = TrainingRunFilter
    required_permissions = {
        "create": ("training_jobs.add_trainingrun",),
        "partial_update": ("training_jobs.change_trainingrun",),
        "cancel": ("training_jobs.change_trainingrun",),
        "retry": ("training_jobs.change_trainingrun",),
    }

    @extend_schema(
        summary="Queue a training run",
        request=NewTrainingRunSerializer,
        responses={
            202: TrainingRunDetailSerializer,
            400: OpenApiResponse(ErrorSerializer, "`invalid_config`, `class_absent_from_train`, ..."),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue a training run; the labels of this moment count."""
        asked = NewTrainingRunSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        named = {"name": values["name"] or None, "priority": values["priority"], "author": request.user}
        if "like" in values:
            run = queue_again(find_model(values["like"], request.user), **named)
        else:
            run = queue_training(
                split_named(values["split"], request.user),
                architecture=values.get("architecture"),
                recipe=values.get("recipe"),
                config=values["config"],
                **named,
            )
        return self.queued(run, TrainingRunDetailSerializer, "training-run-detail")

    @extend_schema(
        summary="Change the priority of a run that waits",
        request=PrioritySerializer,
        responses={200: TrainingRunDetailSerializer, 409: ILLEGAL_MOVE},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Let a run that waits come before or after others: the highest priority is next."""
        run = self.get_object()
        asked = PrioritySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run.set_priority(asked.validated_data["priority"])
        return Response(TrainingRunDetailSerializer(run, context=self.get_serializer_context()).data)

    @extend_schema(
        summary="Cancel a run", request=None, responses={202: TrainingRunDetailSerializer, 409: ILLEGAL_MOVE}
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Ask a run to end: at once where it waits, within a batch where it runs."""
        run = self.get_object()
        run.cancel()
        return self.queued(run, TrainingRunDetailSerializer, "training-run-detail")

    @extend_schema(
        summary="Queue an ended run again",
        request=None,
        responses={202: TrainingRunDetailSerializer, 409: ILLEGAL_MOVE},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed, dead or cancelled run again, with the same labels and settings."""
        run = self.get_object()
        retry(run)
        return self.queued(run, TrainingRunDetailSerializer, "training-run-detail")


@extend_schema(tags=["inference"])
@extend_schema_view(
    list=extend_schema(
        summary="Inference jobs, without what each could not read",
        responses=InferenceJobSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One inference job"),
)
class InferenceJobViewSet(JobViewSet):
    """Bulk inference: predictions beside the labels, which it never changes."""

    queryset = InferenceJob.objects.select_related("dataset", "version", "created_by")
    serializer_class = InferenceJobDetailSerializer
    listed_serializer_class = InferenceJobSerializer
    only_in_detail = ("failures",)
    filterset_class = InferenceJobFilter
    required_permissions = {
        "create": ("training_jobs.add_inferencejob",),
        "cancel": ("training_jobs.change_inferencejob",),
        "retry": ("training_jobs.change_inferencejob",),
        "results": ("training_jobs.view_inferencejob", "classifier.view_prediction"),
        "lines": ("training_jobs.view_inferencejob", "classifier.view_prediction"),
    }

    @extend_schema(
        summary="Queue predictions over a dataset",
        request=NewInferenceJobSerializer,
        responses={202: InferenceJobDetailSerializer, 503: OpenApiResponse(ErrorSerializer, "`no_model`")},
    )
    def create(self, request: Request) -> Response:
        """Queue a model's predictions for all images of a dataset that it has said nothing of yet."""
        asked = NewInferenceJobSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        dataset = find_dataset(asked.validated_data["dataset"], request.user)
        version = find_model(asked.validated_data.get("model") or None, request.user)
        return self.queued_job(queue_inference(dataset, version=version, author=request.user))

    def queued_job(self, job: InferenceJob) -> Response:
        """Answer 202 with a job."""
        return self.queued(job, InferenceJobDetailSerializer, "inference-job-detail")

    @extend_schema(
        summary="Cancel an inference job",
        request=None,
        responses={202: InferenceJobDetailSerializer, 409: ILLEGAL_MOVE},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Ask a job to end; the predictions it has stored stay."""
        job = self.get_object()
        job.cancel()
        return self.queued_job(job)

    @extend_schema(
        summary="Queue an ended inference job again",
        request=None,
        responses={202: InferenceJobDetailSerializer, 409: ILLEGAL_MOVE},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed, dead or cancelled job again; it goes on with what is missing."""
        job = self.get_object()
        retry(job)
        return self.queued_job(job)

    @extend_schema(
        summary="Its predictions as CSV", filters=False, responses={(200, "text/csv"): OpenApiTypes.BINARY}
    )
    def results(self, request: Request, pk: str) -> StreamingHttpResponse:
        """All predictions of the job's model on its images, whichever job stored them."""
        job = self.get_object()
        return _download(csv_lines(job, request.user), f"inference-{job.pk}.csv", "text/csv; charset=utf-8")

    @extend_schema(
        summary="Its predictions as JSON Lines",
        filters=False,
        responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY},
    )
    def lines(self, request: Request, pk: str) -> StreamingHttpResponse:
        """All predictions of the job's model on its images, an object a line; last those with an `error`."""
        job = self.get_object()
        return _download(json_lines(job, request.user), f"inference-{job.pk}.jsonl", "application/x-ndjson")


def _download(lines: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """Return lines as a file that is sent as it is written."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


@extend_schema(tags=["evaluations"])
class QueuedEvaluationViewSet(EvaluationViewSet):
    """Evaluations, and the door that queues one."""

    required_permissions = {
        **EvaluationViewSet.required_permissions,
        "create": ("classifier.add_evaluation",),
    }

    @extend_schema(
        summary="Queue an evaluation",
        request=NewEvaluationSerializer,
        responses={202: InferenceJobDetailSerializer},
        description="Answers with a job; when it has succeeded, its `evaluation` is the id to read.",
    )
    def create(self, request: Request) -> Response:
        """Queue the evaluation of a model on a subset, by the labels of this moment."""
        asked = NewEvaluationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        job = queue_evaluation(
            find_model(values["model"], request.user),
            split=split_named(values["split"], request.user),
            subset=values["subset"],
            author=request.user,
        )
        body = InferenceJobDetailSerializer(job, context=self.get_serializer_context()).data
        location = reverse("inference-job-detail", args=[job.pk], request=request)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": location})
