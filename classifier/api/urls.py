"""Routes of aliases, comparison and classification; `training_jobs` registers models and evaluations."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from classifier.api.aliases import AliasViewSet
from classifier.api.classify import ClassifyView
from classifier.api.evaluations import CompareView

router = SimpleRouter()
router.register("aliases", AliasViewSet, basename="alias")

urlpatterns = [
    *router.urls,
    path("compare/", CompareView.as_view(), name="api-compare"),
    path("classify/", ClassifyView.as_view(), name="api-classify"),
]
