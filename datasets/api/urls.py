"""Routes of datasets, splits, views and exports; the hall has images and relabelling, with more filters."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from datasets.api.opinions import OpinionViewSet
from datasets.api.saved_views import SavedViewViewSet
from datasets.api.views import DatasetViewSet, ExportView, SplitViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("splits", SplitViewSet, basename="split")
router.register("second-opinions", OpinionViewSet, basename="opinion")
router.register("views", SavedViewViewSet, basename="saved-view")

urlpatterns = [
    *router.urls,
    path("exports/<slug:slug>/", ExportView.as_view(), name="export"),
]
