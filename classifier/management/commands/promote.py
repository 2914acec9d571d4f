"""Point an alias at a version."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.aliases import promote
from classifier.gates import OUTCOMES, PASS
from classifier.models import Promotion
from classifier.models.registry import CHAMPION
from classifier.registry import find_model
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
        "evaluation": promotion.evaluation_id,
        "overridden": promotion.overridden,
        "created_at": promotion.created_at,
    }


class Command(JsonCommand):
    """`promote MODEL [--alias champion] --reason TEXT [--evaluation ID] [--override]`."""

    help = "Let a model answer under an alias; who, when and why are kept."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, alias, reason, evaluation, override."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--alias", default=CHAMPION)
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--evaluation", type=int, metavar="ID", help="what it is based on (the newest on a test subset)"
        )
        parser.add_argument("--override", action="store_true", help="although a gate failed; it is recorded")

    def run(self, **options: Any) -> dict[str, Any]:
        """Promote and tell what stood before."""
        promotion = promote(
            find_model(options["model"]),
            alias=options["alias"],
            reason=options["reason"],
            evaluation=options["evaluation"],
            override=options["override"],
        )
        for gate in promotion.gates:
            if gate["outcome"] != PASS:
                self.warn(f"{gate['title']}: {OUTCOMES[gate['outcome']]}. {gate['told']}")
        before = f" (before: {promotion.previous})" if promotion.previous else ""
        self.say(f"{promotion.alias} is {promotion.version}{before}")
        return as_json(promotion)
