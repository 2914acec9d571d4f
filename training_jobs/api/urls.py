"""Routes of training runs, evaluations, models and imports; the hall registers inference jobs."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from training_jobs.api.imports import ImportJobViewSet
from training_jobs.api.model_imports import IMPORT_MODEL, ModelImportViewSet
from training_jobs.api.models import ExportJobViewSet, WideModelViewSet
from training_jobs.api.sweeps import SweepViewSet
from training_jobs.api.views import (
    QueuedEvaluationViewSet,
    TrainingRunViewSet,
)

router = SimpleRouter()
router.register("training-runs", TrainingRunViewSet, basename="training-run")
router.register("sweeps", SweepViewSet, basename="sweep")
router.register("evaluations", QueuedEvaluationViewSet, basename="evaluation")
router.register("models", WideModelViewSet, basename="model")
router.register("export-jobs", ExportJobViewSet, basename="export-job")
router.register("imports", ImportJobViewSet, basename="import")
router.register("model-imports", ModelImportViewSet, basename="model-import")

urlpatterns = [
    path("models/import/", IMPORT_MODEL, name="import-model"),
    *router.urls,
]
