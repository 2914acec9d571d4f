"""Classification of files in the browser; the files go to the REST door and are not kept."""

from typing import Any

from django.middleware.csrf import get_token

from classifier.classifying import MOST_FILES
from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from classifier.registry import NoModel, find_model
from datasets.admin.page import Page
from datasets.decoding import MAX_BYTES
from datasets.models.label_class import DEFAULT_CLASSES
from datasets.queries import class_looks

OFFERED = 100


class ClassifyPage(Page):
    """A place to drop files, and what a model says of them."""

    title = "Classify"
    template_name = "classifier/classify.html"
    permissions = ("classifier.view_modelversion",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the models to choose from and what the script needs."""
        seen = ModelVersion.objects.visible_to(self.request.user).prefetch_related("aliases")
        return {
            **super().get_context_data(**kwargs),
            "answering": self._answering(),
            "has_champion": seen.filter(aliases__name=CHAMPION).exists(),
            "offered": seen[:OFFERED],
            "asked": self.request.GET.get("model", ""),
            "most_megabytes": MAX_BYTES // 2**20,
            "may_train": self.may("training_jobs.add_trainingrun"),
            "setup": {
                "mostFiles": MOST_FILES,
                "looks": self._looks(),
                "csrf": get_token(self.request),
            },
        }

    def _answering(self) -> ModelVersion | None:
        """Return the version that answers where none is named."""
        try:
            return find_model(user=self.request.user)
        except NoModel:
            return None

    def _looks(self) -> dict[str, dict[str, Any]]:
        """Return how classes are shown: those every dataset starts with, then those of the dataset in use."""
        usual = {
            str(each["name"]): {"short": each["short"], "colour": each["colour"]} for each in DEFAULT_CLASSES
        }
        return {**usual, **class_looks(self.dataset)}
