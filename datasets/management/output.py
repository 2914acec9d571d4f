"""What every command prints: a person's summary, or one JSON object."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from datasets.errors import Refused
from datasets.management.readiness import make_ready

_EVERY_SECONDS = 2.0


class JsonCommand(BaseCommand):
    """A command with `--json`; subclasses implement `add_options` and `run`.

    Exit status: 0 done, 1 refused or failed (reason on stderr), 2 usage.
    """

    needs_database = True
    _quiet = False
    _last_progress = 0.0

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the command's own options and `--json`."""
        self.add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def add_options(self, parser: CommandParser) -> None:
        """Add the command's own options."""

    def run(self, **options: Any) -> dict[str, Any] | None:
        """Do the work, `say` the summary, return what `--json` prints."""
        raise NotImplementedError

    def say(self, text: str = "") -> None:
        """Print a line for a person; nothing under `--json`."""
        if not self._quiet:
            self.stdout.write(text)

    def tell(self, text: str) -> None:
        """Print a line on how work goes on; under `--json` on stderr, for stdout is the answer's alone."""
        if not self._quiet:
            self.say(text)
            return
        self.stderr.write(text, lambda line: line)
        self.stderr.flush()

    def warn(self, text: str) -> None:
        """Print a warning for a person on stderr."""
        self.stderr.write(f"warning: {text}", self.style.WARNING)

    def progress(self, done: int, total: int) -> None:
        """Show on stderr how far the work is, every two seconds at most."""
        now = time.monotonic()
        if now - self._last_progress < _EVERY_SECONDS:
            return
        self._last_progress = now
        share = f" ({100 * done // total} %)" if total else ""
        self.stderr.write(f"{done:,} of {total:,}{share}", lambda line: line)
        self.stderr.flush()

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run; turn a refusal into exit status 1."""
        self._quiet = bool(options["json"])
        self._last_progress = time.monotonic()
        try:
            if self.needs_database:
                make_ready(lambda line: self.stderr.write(line, lambda text: text))
            result = self.run(**options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        if self._quiet:
            self.stdout.write(json.dumps(result or {}, cls=DjangoJSONEncoder, ensure_ascii=False))
