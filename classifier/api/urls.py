"""Routes of models, comparison and classification; `training_jobs` registers evaluations, with POST."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from classifier.api.evaluations import CompareView
from classifier.api.views import ClassifyView, ModelViewSet, RollbackView

router = SimpleRouter()
router.register("models", ModelViewSet, basename="model")

urlpatterns = [
    *router.urls,
    path("aliases/<slug:alias>/rollback/", RollbackView.as_view(), name="rollback"),
    path("compare/", CompareView.as_view(), name="api-compare"),
    path("classify/", ClassifyView.as_view(), name="api-classify"),
]
