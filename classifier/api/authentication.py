"""Who asks, looked up once a moment: for a route that is asked a hundred times a second."""

from typing import Any

from rest_framework.authentication import TokenAuthentication

from classifier.remembering import Remembered

_users: Remembered[tuple[Any, Any]] = Remembered()


class RememberedTokenAuthentication(TokenAuthentication):
    """Tokens as elsewhere; one that was good a moment ago still is, with the permissions of then.

    A token or a role that is taken away ends here `CLASSIFY_REMEMBER_SECONDS` later.
    """

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        """Return the user and the token; raises AuthenticationFailed."""
        find = super().authenticate_credentials
        return _users.get(key, lambda: find(key))
