"""Point an alias back at what it pointed at before."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.aliases import roll_back
from classifier.management.commands.promote import as_json
from classifier.models.registry import CHAMPION
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`rollback [--alias champion] [--reason TEXT]`."""

    help = "Take the newest promotion of an alias back; again takes back the one before it."

    def add_options(self, parser: CommandParser) -> None:
        """Add alias, reason."""
        parser.add_argument("--alias", default=CHAMPION)
        parser.add_argument("--reason", default="Rolled back by command")

    def run(self, **options: Any) -> dict[str, Any]:
        """Roll back and tell what answers now."""
        promotion = roll_back(options["alias"], reason=options["reason"])
        self.say(f"{promotion.alias} is {promotion.version} again (before: {promotion.previous})")
        return as_json(promotion)
