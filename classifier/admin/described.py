"""What people write of a version, and the card made from its record."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from classifier.admin.model import OfModel
from classifier.card import card_of
from classifier.describing import describe, tags_in
from datasets.errors import Refused


class DescribePage(OfModel):
    """The form of notes and tags: sent, it shows the version again."""

    template_name = "classifier/describe.html"
    post_permissions = ("classifier.change_modelversion",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what was typed, or what stands."""
        version = self.version
        return super().get_context_data(
            **{
                "title": f"Notes and tags of {version}",
                "version": version,
                "notes": version.notes,
                "tags": ", ".join(version.tag_names),
                "errors": {},
                **kwargs,
            }
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Keep notes and tags; on a refusal show the form again with what was typed."""
        notes, tags = request.POST.get("notes", ""), request.POST.get("tags", "")
        try:
            describe(self.version, notes=notes, tags=tags_in(tags), author=request.user)
        except Refused as refusal:
            field = "tags" if refusal.code == "bad_tag" else "notes"
            context = self.get_context_data(notes=notes, tags=tags, errors={field: str(refusal)})
            return self.render_to_response(context, status=refusal.status)
        messages.success(request, f"Notes and tags of {self.version} are kept.")
        return HttpResponseRedirect(reverse("model", args=[self.version.pk]))


class CardPage(OfModel):
    """The model card, to read or to download."""

    template_name = "classifier/card.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the card."""
        card = card_of(self.version)
        return super().get_context_data(title=card.title, version=self.version, card=card, **kwargs)
