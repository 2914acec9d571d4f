"""Routes of datasets, splits and exports; the hall registers images and relabelling with wider filters."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from datasets.api.views import DatasetViewSet, ExportView, SplitViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("splits", SplitViewSet, basename="split")

urlpatterns = [
    *router.urls,
    path("exports/<slug:slug>/", ExportView.as_view(), name="export"),
]
