"""Which images a split is made of, and what of them is kept whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets.errors import Refused
from datasets.models import Dataset, Image, Split

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """What a split needs to know of one image."""

    pk: int
    paper: str | None
    panel_group: str
    sha256: str
    label: str

    @property
    def group_key(self) -> Key:
        """The panel group, or the image itself where it has none."""
        return (self.paper, self.panel_group) if self.panel_group else (self.pk,)

    @property
    def paper_key(self) -> Key:
        """The paper, or the image itself where it has none."""
        return (self.paper,) if self.paper is not None else (None, self.pk)


def members_as_of(
    dataset: Dataset, cutoff: Any, *, without_accepted: bool = False
) -> tuple[list[Member], int]:
    """Return the images that were labelled and not excluded at the cut-off, by id.

    Without accepted, those whose label was accepted from a model are left out; the number tells how many.
    `Refused` (empty_dataset).
    """
    # Any: the checker does not know what with_label_as_of adds.
    usable: Any = Image.objects.filter(dataset=dataset).usable_as_of(cutoff)
    rows = usable.order_by("pk").values_list("pk", "paper__identifier", "panel_group", "sha256", "label_then")
    found = [Member(*row) for row in rows]
    accepted = (
        set(usable.accepted_as_of(cutoff).values_list("pk", flat=True))
        if without_accepted and found
        else set()
    )
    members = [member for member in found if member.pk not in accepted]
    if members:
        return members, len(accepted)
    why = (
        f"All {len(accepted):,} labels of {dataset.slug} were accepted from a model. "
        "Take them in, or label some images."
        if accepted
        else f"{dataset.slug} has no labelled images. Import or label some first."
    )
    raise Refused(why, code="empty_dataset")


def keys_of(members: Sequence[Member], by: str) -> list[Key]:
    """What is kept whole, for each member."""
    match by:
        case Split.By.PAPER:
            return [member.paper_key for member in members]
        case Split.By.PANEL_GROUP:
            return [member.group_key for member in members]
    return [(member.pk,) for member in members]
