"""The image page: one image large, its label, what models said, its siblings, its history."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse

from biofors_site.pages.choosing import chosen
from biofors_site.pages.why import why_of
from classifier.models import Prediction
from classifier.models.registry import CHAMPION
from datasets.admin.page import Page, address
from datasets.labelling import LONGEST_REASON
from datasets.models import Image, Label, SplitMember
from datasets.queries import class_counts, class_looks

SIBLINGS = 60
OPINIONS = 6


class ImagePage(Page):
    """One image. The address carries the choice it was opened from, for the images before and after it."""

    template_name = "biofors_site/image.html"
    permissions = ("datasets.view_image",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what is known of the image, and what to do with it."""
        known = self.known(kwargs["pk"])
        image = known["image"]
        self.use(image.dataset)
        choice = chosen(self.request, image.dataset)
        before, after = choice.around(image)
        return {
            **super().get_context_data(**kwargs),
            **known,
            "title": str(image),
            "classes": class_counts(image.dataset),
            "before": self._link(before, choice.query),
            "after": self._link(after, choice.query),
            "back": address(reverse("workbench"), **choice.query),
            "query": choice.query,
            "longest_reason": LONGEST_REASON,
            "may_label": self.may("datasets.add_label"),
            "why": why_of(self.request.user, choice.version),
            "setup": {
                "id": image.pk,
                "version": image.version,
                "label": image.label.name if image.label else None,
                "excluded": image.excluded,
            },
        }

    def known(self, pk: int) -> dict[str, Any]:
        """Return all that is known of an image."""
        seen = Image.objects.visible_to(self.request.user).select_related("dataset", "paper", "label")
        image = get_object_or_404(seen, pk=pk)
        looks = class_looks(image.dataset)
        return {
            "image": image,
            "looks": looks,
            "opinions": self._opinions(image, looks),
            "siblings": self._siblings(image),
            "history": Label.objects.visible_to(self.request.user)
            .filter(image=image)
            .select_related("label_class", "author", "batch"),
            "memberships": SplitMember.objects.visible_to(self.request.user)
            .filter(image=image)
            .select_related("split__dataset"),
            "copies": seen.filter(sha256=image.sha256).exclude(pk=image.pk)[:OPINIONS],
        }

    def _link(self, pk: int | None, query: dict[str, str]) -> str:
        return address(reverse("image", args=[pk]), **query) if pk else ""

    def _opinions(self, image: Image, looks: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
        """Return what versions said of the image, the champion first, then the newest."""
        said = Prediction.objects.visible_to(self.request.user).filter(image=image).select_related("version")
        of_champion = said.filter(version__aliases__name=CHAMPION)
        others = said.exclude(version__aliases__name=CHAMPION).order_by("-version_id")
        champion = of_champion.first()
        return [
            {
                "prediction": each,
                "champion": each is champion,
                "bars": [
                    {
                        "name": name,
                        "share": share,
                        "width": f"{100 * share:.1f}",
                        "colour": looks.get(name, {}).get("colour", "#7f7f7f"),
                    }
                    for name, share in zip(each.version.classes, each.probabilities, strict=True)
                ],
            }
            for each in [*([champion] if champion else []), *others[: OPINIONS - bool(champion)]]
        ]

    def _siblings(self, image: Image) -> Any:
        """Return the other images of its panel group."""
        if not image.panel_group or not image.paper_id:
            return []
        return (
            Image.objects.visible_to(self.request.user)
            .filter(paper=image.paper_id, panel_group=image.panel_group)
            .exclude(pk=image.pk)
            .select_related("label", "paper")
            .order_by("file_name")[:SIBLINGS]
        )


class ImagePanel(ImagePage):
    """What is known of an image, without the frame: the workbench shows it beside the large view."""

    template_name = "biofors_site/image_panel.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what is known, and no frame: the large view asks for it at every key."""
        return self.known(kwargs["pk"])
