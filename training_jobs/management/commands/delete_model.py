"""Delete a version for good."""

from typing import Any

from django.core.management.base import CommandParser

from classifier.registry import find_model
from datasets.errors import Refused
from datasets.management.output import JsonCommand
from training_jobs.deleting import contents_of, delete_version, uses_of


class Command(JsonCommand):
    """`delete_model MODEL [--reason TEXT] [--yes]`."""

    help = "Delete a model with its predictions, evaluations and files; refused while anything needs it."

    def add_options(self, parser: CommandParser) -> None:
        """Add model, reason, yes."""
        parser.add_argument("model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--reason", default="")
        parser.add_argument("--yes", action="store_true", help="do it; without it only say what would go")

    def run(self, **options: Any) -> dict[str, Any]:
        """Delete, or say what would go."""
        version = find_model(options["model"])
        name, contents = str(version), contents_of(version)
        if not options["yes"]:
            uses = uses_of(version)
            would = ", ".join(f"{count:,} {kind}" for kind, count in contents.items())
            told = f"It is in use: {'; '.join(uses)}." if uses else f"With it go {would}. Add --yes to do it."
            raise Refused(f"{name} is not deleted. {told}", code="not_confirmed")
        delete_version(version, name=name, reason=options["reason"])
        self.say(f"{name} is deleted, with {contents['predictions']:,} predictions")
        return {"model": name, **contents}
