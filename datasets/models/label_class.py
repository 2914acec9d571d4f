"""A class that an image can be labelled with."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from datasets.visibility import VisibleQuerySet

# Colours: Okabe and Ito, "Color Universal Design" (2008), told apart by colour-blind readers.
DEFAULT_CLASSES: tuple[dict[str, Any], ...] = (
    {"name": "BlotGel", "short": "B", "aliases": ["Blot/Gel"], "colour": "#0072B2", "hotkey": "1"},
    {"name": "FAC", "short": "F", "aliases": ["FACS"], "colour": "#E69F00", "hotkey": "2"},
    {"name": "Macroscopy", "short": "A", "aliases": [], "colour": "#009E73", "hotkey": "3"},
    {"name": "Microscopy", "short": "I", "aliases": [], "colour": "#CC79A7", "hotkey": "4"},
    {"name": "Noneoftheabove", "short": "N", "aliases": [], "colour": "#7F7F7F", "hotkey": "5"},
)
# What the workbench's own letters do: no class has one of them.
WORKBENCH_LETTERS = {
    "a": "selects all",
    "h": "goes left",
    "j": "goes down",
    "k": "goes up",
    "l": "goes right",
    "o": "asks for a second opinion",
    "p": "accepts a prediction",
    "r": "writes a reason",
    "s": "skips",
    "u": "undoes",
    "w": "tells why",
    "x": "excludes",
    "y": "says that a label is right",
}


def validate_letter(letter: str) -> None:
    """Refuse what is no small letter a to z, or one that the workbench uses itself."""
    if not re.fullmatch("[a-z]", letter):
        raise ValidationError("A letter is one small letter from a to z.")
    if does := WORKBENCH_LETTERS.get(letter):
        raise ValidationError(f"The letter {letter} {does} in the workbench. Choose another.")


class LabelClass(models.Model):
    """One class of a dataset, with the spellings it is known by, its colour and its keys."""

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="classes")
    name = models.CharField(max_length=64)
    short = models.CharField(max_length=3)
    aliases = models.JSONField(default=list, blank=True)
    colour = models.CharField(max_length=7, validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}$")])
    hotkey = models.CharField(max_length=1)
    letter = models.CharField(max_length=1, blank=True, default="", validators=[validate_letter])
    position = models.PositiveSmallIntegerField()

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("dataset", "position")
        verbose_name_plural = "label classes"
        constraints = (
            models.UniqueConstraint(fields=("dataset", "name"), name="label_class_name_once_per_dataset"),
            models.UniqueConstraint(fields=("dataset", "hotkey"), name="label_class_hotkey_once_per_dataset"),
            models.UniqueConstraint(
                fields=("dataset", "letter"),
                condition=~Q(letter=""),
                name="label_class_letter_once_per_dataset",
            ),
            models.UniqueConstraint(
                fields=("dataset", "position"), name="label_class_position_once_per_dataset"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def published_name(self) -> str:
        """The spelling of BioFors' own labels file: the first alias, else the name."""
        return self.aliases[0] if self.aliases else self.name

    @property
    def names(self) -> list[str]:
        """The spellings that name this class: its own, and its aliases."""
        return [self.name, *self.aliases]

    def accepts(self, text: str) -> bool:
        """Tell whether the text names this class, by name or alias."""
        return text in self.names
