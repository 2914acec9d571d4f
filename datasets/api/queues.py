"""Queues over REST: taken from, decided in, closed; and what they show."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import django_filters
from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.chosen_images import named_versions
from datasets.api.filter_forms import DatasetForm
from datasets.api.filters import RowsFilter
from datasets.api.images import class_named
from datasets.api.queue_images import ShowsQueueImages
from datasets.api.queue_serializers import (
    AuditSerializer,
    DecideSerializer,
    HeldSerializer,
    ManyDecidedSerializer,
    QueueChangeSerializer,
    QueueProgressSerializer,
    QueueSerializer,
    TakenSerializer,
    TakeSerializer,
)
from datasets.api.relabelling import LABELS, done_or_refused, result_of
from datasets.api.serializers import ErrorSerializer
from datasets.errors import Refused
from datasets.labelling import KEEP, Relabelled, relabel_batch
from datasets.models import Queue
from datasets.models.queue import SETTLES
from datasets.queues.auditing import audit_of
from datasets.queues.deciding import Decided, Record, decide, give_opinion, skip_items
from datasets.queues.progress import progress_of
from datasets.queues.taking import check_open, hold_items, others_at, release_items, take_items
from datasets.repeating import once

CLOSED = OpenApiResponse(ErrorSerializer, "`queue_closed`")
CURATES = (SETTLES,)


class NoAudit(Refused):
    """Raised where a queue is asked for what only a random sample can tell."""

    code = "no_audit"
    status = 409


class AnotherOpen(Refused):
    """Raised where a standing queue is opened again beside a newer one."""

    code = "another_open"
    status = 409


class QueueFilter(RowsFilter):
    """Queues by dataset, kind, and whether they are closed."""

    dataset = django_filters.CharFilter(help_text="The dataset's slug.")
    kind = django_filters.ChoiceFilter(choices=Queue.Kind.choices, help_text="What the queue is for.")
    closed = django_filters.BooleanFilter(
        field_name="closed_at", lookup_expr="isnull", exclude=True, help_text="true: closed; false: not."
    )

    class Meta:
        model = Queue
        fields: list[str] = []
        form = DatasetForm


@extend_schema(tags=["queues"])
@extend_schema_view(
    list=extend_schema(summary="Queues, and how far each is"),
    retrieve=extend_schema(summary="One queue, and how far it is"),
)
class QueueViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShowsQueueImages):
    """Queues. The hall registers this viewset with more ways to make and to decide."""

    queryset = Queue.objects.select_related("dataset", "created_by")
    serializer_class = QueueSerializer
    filterset_class = QueueFilter
    required_permissions = {
        "partial_update": CURATES,
        **{name: LABELS for name in ("take", "hold", "release", "decide")},
    }
    deeds_serializer: type[DecideSerializer] = DecideSerializer

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Count how far the queues are that are told of."""
        if not args:
            return super().get_serializer(**kwargs)
        rows: Any = args[0]
        queues: Any = list(rows) if kwargs.get("many") else [rows]
        context = {**self.get_serializer_context(), "progress": progress_of(queues, self.request.user)}
        return QueueSerializer(queues if kwargs.get("many") else rows, context=context, **kwargs)

    @extend_schema(
        summary="Rename a queue, close it, or open it again",
        request=QueueChangeSerializer,
        responses=QueueSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a queue's name, or whether it is closed."""
        queue = self.get_object()
        asked = QueueChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        queue.name = values.get("name", queue.name)
        if "closed" in values:
            queue.closed_at = (queue.closed_at or timezone.now()) if values["closed"] else None
            queue.items.open().release()
        try:
            with transaction.atomic():
                queue.save(update_fields=["name", "closed_at"])
        except IntegrityError as error:
            raise AnotherOpen("Another queue of this kind is open by now. Close that one first.") from error
        return Response(self.get_serializer(queue).data)

    @extend_schema(
        summary="Take the next images, which nobody else gets meanwhile",
        request=TakeSerializer,
        responses={200: TakenSerializer, 409: CLOSED},
    )
    @action(detail=True, methods=["post"])
    def take(self, request: Request, pk: str) -> Response:
        """Take images for five minutes; `hold/` keeps them longer, `release/` lets them go."""
        queue = self.get_object()
        asked = TakeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        items = take_items(queue, request.user, **asked.validated_data)
        return Response(
            {
                "images": self.shown(queue, items),
                "progress": self._progress(queue),
                "with_others": others_at(queue, request.user),
            }
        )

    @extend_schema(summary="Keep what you took", request=None, responses=HeldSerializer)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: str) -> Response:
        """Keep the images that one took for five more minutes."""
        return Response({"images": hold_items(self.get_object(), request.user)})

    @extend_schema(summary="Let go of what you took", request=None, responses=HeldSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """Let others have the images that one took and did not decide on."""
        return Response({"images": release_items(self.get_object(), request.user)})

    @extend_schema(
        summary="Decide on images, in several deeds, each undone by itself",
        request=DecideSerializer,
        responses={200: ManyDecidedSerializer, 409: CLOSED},
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Do up to 50 deeds, in their order; undo goes by `relabel/{batch}/undo/`."""
        queue = self.get_object()
        check_open(queue)
        asked = self.deeds_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with transaction.atomic():
            results = [
                done_or_refused(partial(self._answer, queue, values))
                for values in asked.validated_data["deeds"]
            ]
        return Response({"results": results, "progress": self._progress(queue)})

    @extend_schema(summary="What an audit found so far", responses=AuditSerializer)
    @action(detail=True, filterset_class=None, pagination_class=None)
    def audit(self, request: Request, pk: str) -> Response:
        """How many labels of the sample were wrong, and what that says of all it was drawn from."""
        queue = self.get_object()
        if queue.kind != Queue.Kind.AUDIT:
            raise NoAudit("This queue is no random sample: it says nothing of other labels. Start an audit.")
        return Response(AuditSerializer(audit_of(queue)).data)

    def record(self, queue: Queue, values: dict[str, Any]) -> Record:
        """Return what labels the images of a deed."""
        label = class_named(queue.dataset, values["label"]) if "label" in values else KEEP

        def relabel(pairs: Sequence[tuple[int, int]]) -> Relabelled:
            return relabel_batch(
                pairs,
                dataset=queue.dataset,
                label=label,
                excluded=values.get("excluded", KEEP),
                author=self.request.user,
                reason=values["reason"],
                key=values.get("key"),
            )

        return relabel

    def _progress(self, queue: Queue) -> Any:
        return QueueProgressSerializer(progress_of([queue], self.request.user)[queue.pk]).data

    def _answer(self, queue: Queue, values: dict[str, Any]) -> dict[str, Any]:
        """Do one deed; return what came of it, and who has the images that were left alone."""
        seen = named_versions(values)
        done = once(
            values.get("key"),
            lambda: self.decide_on(queue, seen, values),
            author=self.request.user,
            seen=None if queue.blind else seen,
        )
        taken = done.taken if isinstance(done, Decided) else []
        return {**result_of(done), "taken": _who_has(queue, taken)}

    def decide_on(self, queue: Queue, seen: dict[int, int], values: dict[str, Any]) -> Decided:
        """Decide as a validated deed says."""
        author, key, reason = self.request.user, values.get("key"), values["reason"]
        if values["skip"]:
            return skip_items(queue, list(seen), author=author, key=key)
        if not queue.blind:
            record = self.record(queue, values)
            return decide(queue, seen, author=author, record=record, reason=reason, key=key)
        if "label" not in values and not values.get("excluded"):
            raise Refused("In a blind queue say what the image shows: its label is not told.", code="blind")
        return give_opinion(
            queue,
            list(seen),
            label=class_named(queue.dataset, values.get("label")),
            excluded=values.get("excluded", False),
            author=author,
            reason=reason,
            key=key,
        )


def _who_has(queue: Queue, images: Sequence[int]) -> list[dict[str, Any]]:
    rows = queue.items.filter(image__in=images)
    return [
        {
            "id": item.image_id,
            "by": (item.decided_by or item.claimed_by) and str(item.decided_by or item.claimed_by),
        }
        for item in rows.select_related("decided_by", "claimed_by")
    ]
