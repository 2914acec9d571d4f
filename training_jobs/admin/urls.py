"""Routes of the pages of imports, training runs and inference jobs; the hall has where these are queued."""

from django.urls import path

from training_jobs.admin.compare_runs import CompareRunsPage
from training_jobs.admin.deleting import DeleteModelPage, ExportModelPage
from training_jobs.admin.imports import ImportPage, ImportsPage
from training_jobs.admin.inference import InferenceJobPage
from training_jobs.admin.jobs import WorkersPage
from training_jobs.admin.model_imports import ImportModelPage, ModelImportPage
from training_jobs.admin.new_run import AgainPage, NewRunPage
from training_jobs.admin.new_sweep import NewSweepPage
from training_jobs.admin.runs import RunPage, TrainingPage
from training_jobs.admin.sweeps import SweepPage, SweepsPage

urlpatterns = [
    path("imports/", ImportsPage.as_view(), name="imports"),
    path("imports/<int:pk>/", ImportPage.as_view(), name="import"),
    path("training/", TrainingPage.as_view(), name="training"),
    path("training/new/", NewRunPage.as_view(), name="new-run"),
    path("training/compare/", CompareRunsPage.as_view(), name="compare-runs"),
    path("training/sweeps/", SweepsPage.as_view(), name="sweeps"),
    path("training/sweeps/new/", NewSweepPage.as_view(), name="new-sweep"),
    path("training/sweeps/<int:pk>/", SweepPage.as_view(), name="sweep"),
    path("training/again/<int:version>/", AgainPage.as_view(), name="train-again"),
    path("models/<int:pk>/delete/", DeleteModelPage.as_view(), name="delete-model"),
    path("models/<int:pk>/export/", ExportModelPage.as_view(), name="export-model"),
    path("training/workers/", WorkersPage.as_view(), name="workers"),
    path("training/<int:pk>/", RunPage.as_view(), name="run"),
    path("models/import/", ImportModelPage.as_view(), name="import-model-page"),
    path("models/imports/<int:pk>/", ModelImportPage.as_view(), name="model-import"),
    path("classify/datasets/<int:pk>/", InferenceJobPage.as_view(), name="inference-job"),
]
