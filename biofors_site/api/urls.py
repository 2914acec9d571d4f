"""Routes of the hall: images and relabelling, with the filters of all rooms."""

from rest_framework.routers import SimpleRouter

from biofors_site.api.views import PredictedImageViewSet, PredictedRelabelViewSet

router = SimpleRouter()
router.register("images", PredictedImageViewSet, basename="image")
router.register("relabel", PredictedRelabelViewSet, basename="relabel")

urlpatterns = router.urls
