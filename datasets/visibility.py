"""Who may see what: the one rule that every queryset of a door goes through."""

from typing import Any, Self, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class VisibleQuerySet(models.QuerySet[Row]):
    """A queryset that a door narrows by `visible_to(user)` before it shows anything."""

    def visible_to(self, user: Any) -> Self:
        """Keep what this person may see: all rows for those with the model's view permission, else none."""
        meta = self.model._meta
        if user.is_active and user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
            return self
        return self.none()
