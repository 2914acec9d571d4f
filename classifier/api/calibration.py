"""Calibration, abstention and other shares of classes over REST; routes of one model."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.abstaining import set_threshold
from classifier.api.calibration_serializers import (
    CalibrateSerializer,
    CalibrationSerializer,
    ConfidenceSerializer,
    CorrectedSerializer,
    PriorsSerializer,
    SetThresholdSerializer,
    ThresholdSerializer,
)
from classifier.calibrating import calibrate
from classifier.confidence import judge_confidence
from classifier.models import ModelVersion
from classifier.priors import correct_priors
from classifier.stored_answers import own_split
from datasets.api.filter_forms import split_named
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.models import Split, Subset


class CalibrationActions(VisibleRows):
    """What is asked of one version's confidence, and set."""

    required_permissions: dict[str, tuple[str, ...]] = {
        "calibrate": ("classifier.add_calibration",),
        "threshold": ("classifier.add_threshold",),
        "priors": ("classifier.view_modelversion",),
    }

    @extend_schema(
        summary="How far a version's confidence can be believed",
        parameters=[
            OpenApiParameter("split", description="An id or a name; left out: the split it was trained on."),
            OpenApiParameter("subset", enum=Subset.values, default=Subset.TEST.value),
        ],
        responses={
            200: ConfidenceSerializer,
            400: OpenApiResponse(
                ErrorSerializer, "`no_split`, `bad_subset`, `empty_subset`, `other_classes`"
            ),
            409: OpenApiResponse(ErrorSerializer, "`not_evaluated`"),
        },
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def calibration(self, request: Request, pk: str) -> Response:
        """Judge stored predictions by the labels of now: reliability, calibration error, risk, coverage."""
        version = self.get_object()
        asked = request.query_params
        judged = judge_confidence(
            version, split=self._split(version, asked.get("split")), subset=asked.get("subset") or Subset.TEST
        )
        return Response(ConfidenceSerializer(judged.as_dict()).data)

    @extend_schema(
        summary="Fit a version's temperature on val",
        request=CalibrateSerializer,
        responses={
            201: CalibrationSerializer,
            400: OpenApiResponse(ErrorSerializer, "`no_split`, `empty_subset`, `other_classes`"),
            409: OpenApiResponse(
                ErrorSerializer, "`not_evaluated`, `too_few_to_calibrate`, `trained_on_these`"
            ),
        },
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def calibrate(self, request: Request, pk: str) -> Response:
        """Fit a temperature on stored predictions of a split's val; it counts from now on."""
        version = self.get_object()
        asked = CalibrateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        split = self._split(version, asked.validated_data.get("split"))
        made = calibrate(version, split=split, author=request.user)
        return Response(CalibrationSerializer(made).data, status=201)

    @extend_schema(
        summary="Choose below which confidence a version abstains",
        request=SetThresholdSerializer,
        responses={
            200: ThresholdSerializer,
            400: OpenApiResponse(ErrorSerializer, "`reason_missing`, `bad_threshold`"),
            409: OpenApiResponse(ErrorSerializer, "`threshold_stands`"),
        },
    )
    @action(detail=True, methods=["put"], filterset_class=None)
    def threshold(self, request: Request, pk: str) -> Response:
        """Let a version abstain below a confidence, or with null never; say why."""
        version = self.get_object()
        asked = SetThresholdSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        chosen = set_threshold(version, author=request.user, **asked.validated_data)
        return Response(ThresholdSerializer(chosen).data)

    @extend_schema(
        summary="Scores for other shares of classes",
        request=PriorsSerializer,
        responses={
            200: CorrectedSerializer,
            400: OpenApiResponse(
                ErrorSerializer, "`bad_shares`, `no_split`, `empty_subset`, `other_classes`"
            ),
            409: OpenApiResponse(ErrorSerializer, "`not_evaluated`"),
        },
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def priors(self, request: Request, pk: str) -> Response:
        """Score stored predictions as they are, and corrected for shares of classes; nothing is kept."""
        version = self.get_object()
        asked = PriorsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        corrected = correct_priors(
            version,
            split=self._split(version, values.get("split")),
            subset=values["subset"],
            shares=values["shares"],
        )
        return Response(CorrectedSerializer(corrected.as_dict()).data)

    def _split(self, version: ModelVersion, text: Any) -> Split:
        """Return the split named, else the version's own."""
        return split_named(str(text), self.request.user) if text else own_split(version)
