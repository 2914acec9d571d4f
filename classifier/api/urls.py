"""Routes of aliases and comparison; models and evaluations are registered above, as is `classify/`."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from classifier.api.aliases import AliasViewSet
from classifier.api.evaluations import CompareView

router = SimpleRouter()
router.register("aliases", AliasViewSet, basename="alias")

urlpatterns = [
    *router.urls,
    path("compare/", CompareView.as_view(), name="api-compare"),
]
