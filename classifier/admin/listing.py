"""All model versions, to choose from and compare."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F, Q

from classifier.models import Alias, Evaluation, ModelVersion, Promotion, RemovedVersion, VersionTag
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page
from datasets.ids import read_id
from datasets.models import Split, Subset

PER_PAGE = 100
REMOVED = 20
_FILTERS = ("name", "architecture", "split", "tag")


class ModelsPage(Page):
    """The versions, newest first; the champion stands above them."""

    title = "Models"
    template_name = "classifier/models.html"
    permissions = ("classifier.view_modelversion",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of versions with their test scores, and what they can be filtered by."""
        seen = ModelVersion.objects.visible_to(self.request.user)
        asked = {
            # No database takes this character, and no name holds it.
            name: self.request.GET[name].replace("\0", "\N{REPLACEMENT CHARACTER}")
            for name in _FILTERS
            if self.request.GET.get(name)
        }
        versions = _filtered(seen, asked).select_related("split__dataset", "created_by")
        shown = Paginator(versions.prefetch_related("aliases", "tags"), PER_PAGE).get_page(
            self.request.GET.get("page")
        )
        champion = (
            Alias.objects.visible_to(self.request.user)
            .filter(name=CHAMPION)
            .select_related("version__split__dataset")
            .first()
        )
        scores = test_scores([*shown, *([champion.version] if champion else [])], self.request.user)
        return {
            **super().get_context_data(**kwargs),
            "versions": shown,
            "scores": scores,
            "any": seen.exists(),
            "asked": asked,
            "query": urlencode(asked),
            "names": seen.order_by("name").values_list("name", flat=True).distinct(),
            "architectures": ModelVersion.Architecture.choices,
            "splits": Split.objects.visible_to(self.request.user)
            .filter(pk__in=seen.order_by().values("split"))
            .select_related("dataset"),
            "tags": VersionTag.objects.filter(version__in=seen)
            .order_by("name")
            .values_list("name", flat=True)
            .distinct(),
            "aliases": Alias.objects.visible_to(self.request.user).select_related("version"),
            "removed": RemovedVersion.objects.visible_to(self.request.user).select_related("author")[
                :REMOVED
            ],
            "champion": champion,
            "promotion": Promotion.objects.visible_to(self.request.user)
            .filter(alias=CHAMPION)
            .select_related("author")
            .first(),
            "may_train": self.may("training_jobs.add_trainingrun"),
            "may_import": self.may("training_jobs.add_modelimport"),
        }


def test_scores(versions: list[ModelVersion], user: Any) -> dict[int, Evaluation]:
    """Return {version id: its newest evaluation on the test subset of the split it was trained on}.

    Of a version that was trained elsewhere, the newest on any test subset.
    """
    found = (
        Evaluation.objects.visible_to(user)
        .filter(version__in=[version.pk for version in versions], subset=Subset.TEST)
        .filter(Q(split=F("version__split")) | Q(version__split=None))
        .select_related("split__dataset")
        .order_by("id")
        .defer("matrix", "per_class")
    )
    return {evaluation.version_id: evaluation for evaluation in found}


def _filtered(versions: Any, asked: dict[str, str]) -> Any:
    """Keep the versions that match; a split is named by its id."""
    if "name" in asked:
        versions = versions.filter(name=asked["name"])
    if "architecture" in asked:
        versions = versions.filter(architecture=asked["architecture"])
    if "tag" in asked:
        versions = versions.filter(tags__name=asked["tag"])
    if "split" in asked:
        split = read_id(asked["split"])
        versions = versions.none() if split is None else versions.filter(split=split)
    return versions
