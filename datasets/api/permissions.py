"""Who may do what through the REST door: a view names the permissions of its actions, the rest is refused."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

READS = frozenset({"GET", "HEAD"})


class RolePermission(BasePermission):
    """Let a signed-in person do what the person's role permits.

    A view's `required_permissions` maps an action (of a view without actions: a method, in small letters)
    to the permissions it needs, all of them. Reading an action that it does not name needs the view
    permission of the queryset's model. Everything else is refused.
    """

    message = "Your role does not allow this. Ask an administrator for another role."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the person may do this at all."""
        user = request.user
        if not user or not user.is_authenticated:
            return False
        method = str(request.method)
        if method == "OPTIONS" or not self._answers(view, method):
            # Where no handler takes the method, the view itself answers 405.
            return True
        needed = self._needed(view, method)
        return needed is not None and user.has_perms(needed)

    def _answers(self, view: Any, method: str) -> bool:
        """Whether the view has a handler for the method."""
        actions = getattr(view, "action_map", None)
        return method.lower() in actions if actions else hasattr(view, method.lower())

    def _needed(self, view: Any, method: str) -> tuple[str, ...] | None:
        """Return the permissions needed; None where nobody has said which."""
        named: dict[str, tuple[str, ...]] = getattr(view, "required_permissions", {})
        action = getattr(view, "action", None) or ("get" if method == "HEAD" else method.lower())
        if action in named:
            return named[action]
        queryset = getattr(view, "queryset", None)
        if method in READS and queryset is not None:
            meta = queryset.model._meta
            return (f"{meta.app_label}.view_{meta.model_name}",)
        return None
