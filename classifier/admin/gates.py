"""What is checked before a version becomes champion, as a page, or as the part of one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from classifier.admin.model import OfModel
from classifier.aliases import may_override
from classifier.gates import check_gates
from classifier.models.registry import CHAMPION
from datasets.ids import read_id


class GatesPage(OfModel):
    """The gates of a version; its script asks for them alone, without the frame."""

    template_name = "classifier/gates_page.html"
    permissions = ("classifier.view_modelversion", "classifier.view_evaluation")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check, and show what was found."""
        found = {**self._checked(), "may_override": may_override(request.user)}
        if "part" in request.GET:
            return TemplateResponse(request, "classifier/gates.html", found)
        context = self.get_context_data(title=f"Before {self.version} becomes champion", **found)
        return self.render_to_response(context)

    def _checked(self) -> dict[str, Any]:
        asked = self.request.GET
        alias = asked.get("alias", CHAMPION).strip()
        evaluation = read_id(asked["evaluation"]) if asked.get("evaluation") else None
        return {
            "version": self.version,
            "checked": check_gates(self.version, alias=alias, evaluation=evaluation),
        }
