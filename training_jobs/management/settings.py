"""Settings of a training on a command line."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.networks.config import FIELDS


def add_settings(parser: CommandParser) -> None:
    """Add --epochs and --set."""
    names = ", ".join(name for name, field in FIELDS.items() if field.editable)
    parser.add_argument("--epochs", type=int)
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help=f"one setting: {names}"
    )


def settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings asked for by --epochs and --set."""
    epochs = {} if options["epochs"] is None else {"epochs": options["epochs"]}
    return {**epochs, **pairs("--set", options["set"])}


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """Return {key: value} of texts KEY=VALUE; CommandError where one is none."""
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise CommandError(f"{option} takes KEY=VALUE, not {each!r}.", returncode=2)
        found[key.strip()] = value.strip()
    return found
