"""From nothing to a site with images, labels and a trained model, as one command."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from biofors_site.demonstrating import (
    EPOCHS,
    classify_sample,
    prepare_data,
    prepare_site,
    train_first_model,
)
from biofors_site.serving import check_port, serve
from datasets.errors import Refused


def say(line: str) -> None:
    """Print a line at once: the workers print beside it."""
    print(line, flush=True)


class Command(BaseCommand):
    """`manage.py demo`."""

    help = "Draw sample data, import and split it, train a model, and serve until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and how much to draw and train."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="port (PORT, else 8000)"
        )
        parser.add_argument("--papers", type=int, help="papers of the sample")
        parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs of training ({EPOCHS})")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare what is missing, serve, and train where no model stands."""
        try:
            check_port(options["host"], options["port"])
            say("Preparing database, roles and first administrator")
            login = prepare_site()
            say(f"Log in as {login}")
            split = prepare_data(papers=options["papers"], say=say)

            def when_up(url: str) -> None:
                say(f"The site answers at {url}")
                version = train_first_model(split, epochs=options["epochs"], say=say)
                classify_sample(split, version=version, say=say)
                say("")
                say(f"Ready: {url}  {login}")
                say("Ctrl-C ends the site and its workers; ./run demo goes on from here.")

            say("Starting the site and its workers")
            serve(host=options["host"], port=options["port"], say=say, when_up=when_up)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            raise CommandError("Interrupted. ./run demo goes on from here.") from None
