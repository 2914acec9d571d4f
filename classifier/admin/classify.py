"""Classification of files in the browser; they go to the REST door, and are kept where a person says so."""

from typing import Any

from django.middleware.csrf import get_token

from classifier.classifying import MOST_FILES
from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION
from classifier.registry import NoModel, find_model
from datasets.admin.page import Page
from datasets.api.relabelling import LABELS
from datasets.decoding import MAX_BYTES
from datasets.models import Dataset
from datasets.queries import class_looks, usual_looks

OFFERED = 100
DATASETS = 200


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
            "may_add": self.may("datasets.add_image"),
            "may_tell": self.may(*LABELS),
            "may_make": self.may("datasets.add_dataset"),
            "datasets": self._datasets(),
            "setup": {
                "mostFiles": MOST_FILES,
                "mostBytes": MAX_BYTES,
                "datasets": {each.slug: class_looks(each) for each in self._datasets()},
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
        return {**usual_looks(), **class_looks(self.dataset)}

    def _datasets(self) -> list[Dataset]:
        """Return the datasets that images may be added to, the one in use first."""
        seen = list(
            Dataset.objects.visible_to(self.request.user)
            .prefetch_related("classes")
            .order_by("-id")[:DATASETS]
        )
        return sorted(seen, key=lambda each: each != self.dataset)
