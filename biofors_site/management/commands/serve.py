"""The site and its workers as one command."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from biofors_site.serving import serve
from datasets.errors import Refused


class Command(BaseCommand):
    """`manage.py serve`."""

    help = "Run the web site and its workers until Ctrl-C; a process that dies is started again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and whether to run workers."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="port (PORT, else 8000)"
        )
        parser.add_argument("--no-workers", action="store_true", help="the web site alone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the installation ready, then serve until asked to end."""
        call_command("bootstrap", stdout=self.stdout)
        self.stdout.flush()
        try:
            serve(
                host=options["host"],
                port=options["port"],
                workers=not options["no_workers"],
                say=lambda line: print(line, flush=True),
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
