"""The form of a new sweep: what is varied, how candidates are judged, and what all trials have."""

from dataclasses import dataclass
from typing import Any

from django import forms

from classifier.networks.spaces import SPACES
from datasets.errors import Refused
from training_jobs.admin.forms import SETTINGS, RunForm, ShownSetting
from training_jobs.models import Sweep
from training_jobs.models.sweep import MOST_CANDIDATES, MOST_FOLDS
from training_jobs.sweeping import DEFAULT_CANDIDATES

VARIED = tuple(name for name in SETTINGS if name not in ("seed", "best_by"))
_PREFIX = "vary_"
# The field at which what a sweep refuses is shown.
_AT = {"seed": "sweep_seed", "too_few_papers": "folds"}


@dataclass(frozen=True)
class VariedSetting:
    """A setting, the field for what it may be, and what it is where it is not varied."""

    field: Any
    label: str
    help: str
    may_be: str


class SweepForm(RunForm):
    """What a new sweep is asked for; its settings are those of all trials where they are not varied."""

    method = forms.ChoiceField(
        choices=[
            (Sweep.Method.RANDOM, "Random search: every candidate is trained to the end"),
            (Sweep.Method.HALVING, "Successive halving: all begin, every third goes on"),
        ],
        initial=Sweep.Method.HALVING,
        help_text="Halving takes about a quarter of the time, and may drop a slow starter.",
    )
    candidates = forms.IntegerField(
        min_value=2,
        max_value=MOST_CANDIDATES,
        initial=DEFAULT_CANDIDATES,
        help_text="How many settings are tried; the first are those below, the others are drawn.",
    )
    folds = forms.TypedChoiceField(
        coerce=int,
        choices=[
            (0, "The val subset of the split"),
            *((number, f"{number} folds of train and val, by paper") for number in range(2, MOST_FOLDS + 1)),
        ],
        initial=0,
        label="Judged by",
        help_text="Folds tell how far a score is chance, and take as many trials for each candidate.",
    )
    sweep_seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        label="Seed of the search",
        help_text="The same seed draws the same candidates and folds.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Add a field per setting for what it may be."""
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Name"
        self.fields["name"].help_text = "Of the sweep. Letters, digits, hyphens, underscores."
        self.fields["name"].widget.attrs["placeholder"] += "-sweep"
        self.fields["best_by"].label = "Ranked by"
        self.fields["best_by"].help_text = "The validation score by which candidates, and epochs, are chosen."
        for name in VARIED:
            self.fields[_PREFIX + name] = forms.CharField(
                required=False,
                label=SETTINGS[name].label,
                initial=SPACES[self.shown].get(name, ""),
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )

    @property
    def proposed(self) -> list[VariedSetting]:
        """The settings that are varied unless a person says otherwise, and those that are varied now."""
        return [self._varied(name) for name in self._applying if self._is_varied(name)]

    @property
    def others(self) -> list[VariedSetting]:
        """The other settings."""
        return [self._varied(name) for name in self._applying if not self._is_varied(name)]

    @property
    def others_are_wrong(self) -> bool:
        """Whether one of the other settings is."""
        return any(each.field.errors for each in self.others)

    @property
    def settings_stand_out(self) -> bool:
        """Whether a setting of all trials is wrong, or is not the default."""
        return self._stands_out(self.settings_of_all)

    @property
    def settings_of_all(self) -> list[ShownSetting]:
        """What all trials have, where it is not varied."""
        return [each for each in (*self.first, *self.more) if each.field.name != "best_by"]

    def config(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults, and the score that ranks in any case."""
        return {**super().config(), "best_by": self.cleaned_data["best_by"]}

    def varied(self) -> dict[str, str]:
        """Return what is varied: {setting: range or values}."""
        given = {name: self.cleaned_data[_PREFIX + name] for name in self._applying}
        return {name: each for name, each in given.items() if each}

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at the field it speaks of: of a setting that is varied at its range."""
        fields = {}
        for name, sentences in (refusal.fields or {}).items():
            place = _PREFIX + name if self.cleaned_data.get(_PREFIX + name) else _AT.get(name, name)
            fields[place] = sentences
        if not fields and refusal.code in _AT:
            fields[_AT[refusal.code]] = [str(refusal)]
        refusal.fields = fields or None
        super().refuse(refusal)

    @property
    def _applying(self) -> list[str]:
        return [name for name in VARIED if SETTINGS[name].applies_to(self.shown)]

    def _is_varied(self, name: str) -> bool:
        return name in SPACES[self.shown] or bool(self[_PREFIX + name].value())

    def _varied(self, name: str) -> VariedSetting:
        setting = SETTINGS[name]
        match setting.type:
            case "choice":
                may_be = f"Some of {', '.join(setting.choices)}."
            case "bool":
                may_be = "true, false"
            case _:
                may_be = f"Within {setting.min:,g} to {setting.max:,g}."
        return VariedSetting(self[_PREFIX + name], setting.label, setting.help, may_be)
