"""A saved view: a choice of images under a name."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from datasets.visibility import VisibleQuerySet


class SavedViewQuerySet(VisibleQuerySet["SavedView"]):
    """Sets of saved views."""

    def visible_to(self, user: Any) -> Self:
        """Those of the person, and the shared ones, for people who see images."""
        if not (user.is_active and user.has_perm("datasets.view_image")):
            return self.none()
        return self.filter(Q(owner=user) | Q(shared=True))


class SavedView(models.Model):
    """What a person looked at: the parameters of the workbench's address, under a name of their own.

    `query` maps names of parameters to texts, without the dataset. A shared view is seen by everybody who
    sees the dataset's images, and changed by its owner alone.
    """

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    query = models.JSONField(default=dict, blank=True)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "dataset", "name"), name="saved_view_name_once_per_owner_and_dataset"
            ),
        )

    def __str__(self) -> str:
        return self.name
