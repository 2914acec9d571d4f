"""Aliases over REST: where they point, where they pointed, back and away."""

from datetime import UTC, datetime, time
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.aliases import UnknownAlias, answering_at, remove_alias, roll_back
from classifier.api.registry_serializers import (
    AliasSerializer,
    AnsweringSerializer,
    PromotionSerializer,
    RollbackSerializer,
)
from classifier.models import Alias, Promotion
from classifier.registry import find_model
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.errors import Refused


@extend_schema(tags=["aliases"])
@extend_schema_view(
    list=extend_schema(summary="Aliases and the models they point at"),
    retrieve=extend_schema(summary="One alias"),
)
class AliasViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Aliases: names that point at a model."""

    queryset = Alias.objects.select_related("version")
    serializer_class = AliasSerializer
    lookup_field = "name"
    lookup_url_kwarg = "alias"
    lookup_value_regex = r"[-\w]{1,64}"
    orderings = {"alias": ("name",), "-alias": ("-name",)}
    required_permissions = {
        "rollback": ("classifier.add_promotion",),
        "destroy": ("classifier.add_promotion",),
        "history": ("classifier.view_promotion",),
        "at": ("classifier.view_promotion",),
    }

    @extend_schema(
        summary="Take an alias away",
        parameters=[OpenApiParameter("reason", required=True, description="Why; its history keeps it.")],
        responses={
            200: PromotionSerializer,
            409: OpenApiResponse(ErrorSerializer, "`alias_needed`: champion stays."),
        },
    )
    def destroy(self, request: Request, alias: str) -> Response:
        """Take an alias away; the history of where it pointed stays."""
        moved = remove_alias(alias, reason=request.query_params.get("reason", ""), author=request.user)
        return Response(PromotionSerializer(moved).data)

    @extend_schema(
        summary="Take an alias back to the version before",
        request=RollbackSerializer,
        responses={
            200: PromotionSerializer,
            409: OpenApiResponse(ErrorSerializer, "`nothing_to_roll_back`, `alias_moved`"),
        },
    )
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, alias: str) -> Response:
        """Take the last promotion of an alias back; say why."""
        asked = RollbackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        expected = asked.validated_data.get("expected")
        moved = roll_back(
            alias,
            reason=asked.validated_data["reason"],
            author=request.user,
            expected=find_model(expected, request.user) if expected else None,
        )
        return Response(PromotionSerializer(moved).data)

    @extend_schema(summary="Every move of an alias, newest first", responses=PromotionSerializer(many=True))
    @action(detail=True, orderings={"-id": ("-id",), "id": ("id",)})
    def history(self, request: Request, alias: str) -> Response:
        """List where an alias was pointed, by whom and why; also of one that was taken away."""
        moves = _moves(alias, request.user).select_related("version", "author")
        page = self.paginate_queryset(moves)
        return self.get_paginated_response(PromotionSerializer(page, many=True).data)

    @extend_schema(
        summary="Which model answered under an alias at a moment",
        parameters=[
            OpenApiParameter(
                "when",
                OpenApiTypes.DATETIME,
                description="A moment, or a day (its end); UTC unless it says otherwise. Now unless given.",
            )
        ],
        responses=AnsweringSerializer,
    )
    @action(detail=True, pagination_class=None)
    def at(self, request: Request, alias: str) -> Response:
        """Say which model an alias pointed at then, and by which move."""
        _moves(alias, request.user)
        moment = moment_of(request.query_params.get("when", ""))
        found = {"alias": alias, "when": moment, "move": answering_at(alias, moment)}
        return Response(AnsweringSerializer(found).data)


def moment_of(text: str) -> datetime:
    """Return the moment that a text names: a day means its end, nothing means now; UTC unless it says so.

    Raises `Refused` (bad_moment).
    """
    # A plus sign in an address is a blank.
    text = text.strip().replace(" ", "+", 1) if text.count(":") > 1 else text.strip()
    if not text:
        return timezone.now()
    try:
        day = parse_date(text)
        found = datetime.combine(day, time.max) if day else parse_datetime(text)
        if found is not None:
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    told = f"{text!r:.60} is no moment. Write it as 2026-03-03 or 2026-03-03T10:00."
    raise Refused(told, code="bad_moment", fields={"when": [told]})


def _moves(alias: str, user: Any) -> Any:
    """Return the moves of an alias; raises UnknownAlias where there never were any."""
    moves = Promotion.objects.visible_to(user).filter(alias=alias)
    if not moves.exists():
        raise UnknownAlias(f"There is and was no alias {alias!r:.80}.")
    return moves
