"""Make a REST token and print it once."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser
from rest_framework.authtoken.models import Token

from datasets.errors import Refused
from datasets.management.output import JsonCommand


class Command(JsonCommand):
    """`create_token USER [--name N]`."""

    help = "Print a new REST token of a user. A user has one token: one made before stops working."

    def add_options(self, parser: CommandParser) -> None:
        """Add user, name."""
        parser.add_argument("user", metavar="USER")
        parser.add_argument("--name", default="", help="repeated beside the token, and not kept")

    def run(self, **options: Any) -> dict[str, Any]:
        """Replace the user's token and print it."""
        users = get_user_model().objects
        user = users.filter(username=options["user"]).first()
        if user is None:
            known = ", ".join(users.values_list("username", flat=True).order_by("username")[:20])
            raise Refused(
                f"There is no user {options['user']!r}. There are: {known or 'none yet'}.",
                code="unknown_user",
            )
        if not user.is_active:
            raise Refused(f"{user} may not log in, so a token would not work.", code="inactive_user")
        replaced = bool(Token.objects.filter(user=user).delete()[0])
        token = Token.objects.create(user=user)
        named = f" ({options['name']})" if options["name"] else ""
        self.say(f"Token of {user}{named}, shown once: {token.key}")
        self.say(f"Send it as a header: Authorization: Token {token.key}")
        if options["name"]:
            self.warn(f"The name {options['name']!r} is not kept: a user has one token.")
        if replaced:
            self.warn("The token that this user had before works no longer: a user has one token.")
        return {"user": str(user), "name": options["name"], "token": token.key, "replaced": replaced}
