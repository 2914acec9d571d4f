"""Routes of the hall: images, queues, what labels and classifies them, with the filters of all rooms."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from biofors_site.api.accepting import AcceptViewSet
from biofors_site.api.classifying import KeepingClassifyView
from biofors_site.api.feedback import FeedbackView
from biofors_site.api.inference import LINES, RESULTS, WideInferenceJobViewSet
from biofors_site.api.queues import WideQueueViewSet
from biofors_site.api.views import PredictedImageViewSet, PredictedRelabelViewSet

router = SimpleRouter()
router.register("images", PredictedImageViewSet, basename="image")
router.register("relabel", PredictedRelabelViewSet, basename="relabel")
router.register("queues", WideQueueViewSet, basename="queue")
router.register("inference-jobs", WideInferenceJobViewSet, basename="inference-job")
router.register("accept", AcceptViewSet, basename="accept")

urlpatterns = [
    *router.urls,
    path("classify/", KeepingClassifyView.as_view(), name="api-classify"),
    path("feedback/", FeedbackView.as_view(), name="api-feedback"),
    path("inference-jobs/<int:pk>/results.csv", RESULTS, name="inference-job-results"),
    path("inference-jobs/<int:pk>/results.jsonl", LINES, name="inference-job-lines"),
]
