"""Classify files, no server needed."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.classifying import any_classified, check_file_count, classify_files
from datasets.decoding import MAX_BYTES
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`classify FILE... [--model MODEL] [--top N]`."""

    help = "Say of image files what a model takes them for."

    def add_options(self, parser: CommandParser) -> None:
        """Add files, model, top."""
        parser.add_argument("files", metavar="FILE", nargs="+")
        parser.add_argument("--model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument("--top", type=int, help="only the N most probable classes")

    def run(self, **options: Any) -> dict[str, Any]:
        """Classify and tell a line a file; exit 1 where no file could be classified."""
        check_file_count(len(options["files"]))
        files = [(name, partial(self._read, name)) for name in options["files"]]
        answer = classify_files(files, model=options["model"], top=options["top"])
        model = answer["model"]
        self.say(f"By {model['name']}@{model['version']}:")
        for result in answer["results"]:
            if "error" in result:
                self.warn(f"{result['file']}: {result['error']['detail']}")
            else:
                self.say(_told(result, answer["abstain_below"]))
        if not any_classified(answer):
            # Under --json the errors are the answer, as in REST.
            if self._quiet:
                self.stdout.write(json.dumps(answer, ensure_ascii=False))
            raise CommandError("None of the files could be classified.")
        return answer

    def _read(self, name: str) -> bytes:
        """Return a file's bytes, one more than is accepted at most."""
        try:
            with Path(name).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from error


def _told(result: dict[str, Any], abstain_below: float | None) -> str:
    """Return the line of a classified file: label, confidence, what that is worth, whether it abstains."""
    line = f"{result['file']}  {result['label']}  {result['confidence']:.3f}"
    if result["calibrated_confidence"] is not None:
        line += f" (calibrated {result['calibrated_confidence']:.3f})"
    return f"{line}  abstains: below {abstain_below:g}" if result["abstained"] else line
