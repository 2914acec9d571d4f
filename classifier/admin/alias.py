"""One alias: where it points, where it pointed on a day, back, and away."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from classifier.aliases import UnknownAlias, answering_at, remove_alias, roll_back
from classifier.api.aliases import moment_of
from classifier.models import Alias, ModelVersion, Promotion
from classifier.models.registry import CHAMPION
from classifier.registry import find_model
from datasets.admin.page import Page
from datasets.errors import Refused

PER_PAGE = 50
_OF_REASON = {"reason_missing", "reason_too_long", "bad_reason"}


class AliasPage(Page):
    """The history of an alias; its forms roll it back, or take it away."""

    template_name = "classifier/alias.html"
    permissions = ("classifier.view_modelversion", "classifier.view_promotion")
    post_permissions = ("classifier.add_promotion",)

    @property
    def alias(self) -> str:
        """The name in the address."""
        return str(self.kwargs["alias"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where it points, its moves, and what was asked of a day."""
        user, alias = self.request.user, self.alias
        moves = Promotion.objects.visible_to(user).filter(alias=alias)
        if not moves.exists():
            raise UnknownAlias(f"There is and was no alias {alias!r:.80}.")
        standing = moves.standing(alias).select_related("previous").first()
        pointer = Alias.objects.visible_to(user).filter(name=alias).select_related("version").first()
        shown = moves.select_related("version", "previous", "author", "evaluation__split__dataset")
        return {
            **super().get_context_data(),
            "title": f"Alias {alias}",
            "alias": alias,
            "pointer": pointer,
            "since": moves.first() if pointer else None,
            "before": standing.previous if pointer and standing else None,
            "moves": Paginator(shown, PER_PAGE).get_page(self.request.GET.get("page")),
            "others": Alias.objects.visible_to(user).exclude(name=alias),
            "may_move": self.may(*self.post_permissions),
            "may_remove": alias != CHAMPION and pointer is not None,
            "errors": {},
            **self._asked(),
            **kwargs,
        }

    def _asked(self) -> dict[str, Any]:
        """Return what the address asks of a moment, and the answer."""
        text = self.request.GET.get("when", "").strip()
        if not text:
            return {"when": ""}
        try:
            moment = moment_of(text)
        except Refused as refusal:
            return {"when": text, "when_error": str(refusal)}
        answered = answering_at(self.alias, moment)
        return {
            "when": text,
            "moment": moment,
            "is_to_come": moment > timezone.now(),
            "answered": answered,
            "newest_then": None if answered else _newest_at(moment, self.request.user),
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Roll back or take away; on a refusal show the page again with what was typed."""
        deed, reason = request.POST.get("deed", ""), request.POST.get("reason", "").strip()
        try:
            if deed == "remove":
                remove_alias(self.alias, reason=reason, author=request.user)
                messages.success(request, f"The alias {self.alias} is gone; its history stays.")
            else:
                expected = find_model(request.POST.get("expected", ""), request.user)
                moved = roll_back(self.alias, reason=reason, author=request.user, expected=expected)
                messages.success(request, f"{moved.alias} is {moved.version} again.")
        except Refused as refusal:
            field = "reason" if refusal.code in _OF_REASON else "form"
            errors = {field: str(refusal), "deed": deed}
            context = self.get_context_data(errors=errors, reason=reason)
            return self.render_to_response(context, status=refusal.status)
        return HttpResponseRedirect(reverse("alias", args=[self.alias]))


def _newest_at(moment: Any, user: Any) -> ModelVersion | None:
    """Return the newest version of a moment, which answers where there is no champion."""
    return ModelVersion.objects.visible_to(user).filter(created_at__lte=moment).first()
