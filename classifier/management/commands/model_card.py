"""Write a version's model card."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from classifier.card import card_of, written
from classifier.registry import find_model
from datasets.errors import Refused
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`model_card [MODEL] [--output FILE]`."""

    help = "Write what a model is, learnt from, scores and is not for, in Markdown, from its record."

    def add_options(self, parser: CommandParser) -> None:
        """Add model and output."""
        parser.add_argument("model", metavar="MODEL", nargs="?", help="an id, name@version, or an alias")
        parser.add_argument("--output", type=Path, help="a file to write; without it stdout")

    def run(self, **options: Any) -> dict[str, Any]:
        """Write the card, or print it."""
        version = find_model(options["model"])
        text = written(card_of(version))
        output: Path | None = options["output"]
        if output is None:
            self.say(text.rstrip())
            return {"model": str(version), "card": text}
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Refused(f"{output} cannot be written: {error.strerror}.", code="not_written") from error
        self.say(f"The card of {version} is in {output}")
        return {"model": str(version), "output": str(output)}
