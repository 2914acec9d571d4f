"""Routes of training runs, inference, evaluations, models and imports."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from training_jobs.api.imports import ImportJobViewSet
from training_jobs.api.model_imports import IMPORT_MODEL, ModelImportViewSet
from training_jobs.api.models import ExportJobViewSet, WideModelViewSet
from training_jobs.api.sweeps import SweepViewSet
from training_jobs.api.views import (
    RESULTS,
    InferenceJobViewSet,
    QueuedEvaluationViewSet,
    TrainingRunViewSet,
)

router = SimpleRouter()
router.register("training-runs", TrainingRunViewSet, basename="training-run")
router.register("sweeps", SweepViewSet, basename="sweep")
router.register("inference-jobs", InferenceJobViewSet, basename="inference-job")
router.register("evaluations", QueuedEvaluationViewSet, basename="evaluation")
router.register("models", WideModelViewSet, basename="model")
router.register("export-jobs", ExportJobViewSet, basename="export-job")
router.register("imports", ImportJobViewSet, basename="import")
router.register("model-imports", ModelImportViewSet, basename="model-import")

urlpatterns = [
    path("models/import/", IMPORT_MODEL, name="import-model"),
    *router.urls,
    path("inference-jobs/<int:pk>/results.csv", RESULTS, name="inference-job-results"),
]
