"""Point an alias at a version."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.models import Promotion
from classifier.models.registry import CHAMPION
from classifier.registry import find_model, promote
from datasets.management.output import JsonCommand


def as_json(promotion: Promotion) -> dict[str, Any]:
    """Return what `--json` prints of a promotion or a rollback."""
    return {
        "id": promotion.pk,
        "alias": promotion.alias,
        "kind": promotion.kind,
        "version": str(promotion.version),
        "previous": str(promotion.previous) if promotion.previous else None,
        "reason": promotion.reason,
        "created_at": promotion.created_at,
    }


class Command(JsonCommand):
    """`promote MODEL [--alias champion] --reason TEXT`."""

    help = "Let a model answer under an alias; who, when and why are kept."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, alias, reason."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--alias", default=CHAMPION)
        parser.add_argument("--reason", required=True)

    def run(self, **options: Any) -> dict[str, Any]:
        """Promote and tell what stood before."""
        promotion = promote(find_model(options["model"]), alias=options["alias"], reason=options["reason"])
        before = f" (before: {promotion.previous})" if promotion.previous else ""
        self.say(f"{promotion.alias} is {promotion.version}{before}")
        return as_json(promotion)
