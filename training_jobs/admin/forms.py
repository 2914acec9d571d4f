"""The form of a new run: one field per setting of the networks, with its range and help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from classifier.models import ModelVersion
from classifier.networks.config import ARCHITECTURES, FIELDS
from classifier.networks.fields import Field
from classifier.networks.recipes import RECIPES
from datasets.errors import Refused
from datasets.models import Dataset, Subset
from training_jobs.launching import defaults_of
from training_jobs.models import TrainingRun
from training_jobs.models.training_run import MOST_PRIORITY

FIRST = ("epochs", "image_size", "geometry", "best_by")
SETTINGS = {name: setting for name, setting in FIELDS.items() if setting.editable}
# The field at which a refusal that names none is shown.
_AT = {
    "bad_name": "name",
    "bad_priority": "priority",
    "unknown_architecture": "architecture",
    "weights_unavailable": "architecture",
    "random_base_frozen": "train_base",
    "empty_subset": "split",
    "class_absent_from_train": "split",
    "nothing_to_train_on": "split",
}
_WORDS = {
    "val_accuracy": "validation accuracy",
    "val_macro_f1": "validation macro-F1",
    "oversample": "repeat their images",
    "weights": "let them count for more",
    "papers": "classes and papers evenly",
    "none": "leave them small",
    "plain": "plain, as in the older scripts",
}


class SplitChoice(forms.ModelChoiceField):
    """A split, told by its name, how it was made and how large it is."""

    def label_from_instance(self, split: Any) -> str:
        """Say what tells splits apart."""
        sizes = ", ".join(f"{split.counts['images'].get(name, 0):,} {name}" for name in Subset.values)
        leaks = " (leaks)" if split.leaks else ""
        return f"{split.name}{leaks}: by {split.get_by_display().lower()}, {sizes}"


@dataclass(frozen=True)
class ShownSetting:
    """A setting on the form: its field, what it may be, and what is proposed."""

    field: Any
    range: str
    default: str
    only_for: str
    applies: bool


class RunForm(forms.Form):
    """What a new run is asked for. `architecture`: the one whose settings are shown."""

    name = forms.CharField(
        label="Model name",
        required=False,
        help_text="Runs of one name become its versions 1, 2, 3. Letters, digits, hyphens, underscores.",
    )
    architecture = forms.ChoiceField(choices=ModelVersion.Architecture.choices, widget=forms.RadioSelect)
    priority = forms.IntegerField(
        min_value=-MOST_PRIORITY,
        max_value=MOST_PRIORITY,
        required=False,
        initial=0,
        help_text="Of the runs that wait the highest is next. "
        f"{-MOST_PRIORITY:,} to {MOST_PRIORITY:,}; 0 is usual.",
    )

    def __init__(self, *args: Any, splits: Any, dataset: Dataset, architecture: str, **kwargs: Any) -> None:
        """Add the splits to choose from and a field per setting."""
        super().__init__(*args, **kwargs)
        self.shown = architecture
        self.fields["split"] = SplitChoice(
            splits,
            empty_label=None,
            error_messages={"invalid_choice": "This split is not one of this dataset. Choose another."},
        )
        self.fields["name"].widget.attrs["placeholder"] = f"{dataset.slug}-{architecture}"
        defaults = defaults_of(architecture)
        for name, setting in SETTINGS.items():
            self.fields[name] = _field(setting, defaults[name])

    @property
    def shown_name(self) -> str:
        """The name of the architecture whose settings are shown."""
        return ModelVersion.Architecture(self.shown).label

    @property
    def first(self) -> list["ShownSetting"]:
        """The settings that matter most."""
        return [self._shown_setting(name) for name in FIRST]

    @property
    def more(self) -> list["ShownSetting"]:
        """The other settings, those to tick last."""
        return self._others("")

    @property
    def variations(self) -> list["ShownSetting"]:
        """How training images are varied."""
        return self._others("augmentation")

    def _others(self, group: str) -> list["ShownSetting"]:
        names = [name for name in SETTINGS if name not in FIRST and SETTINGS[name].group == group]
        return [self._shown_setting(name) for name in sorted(names, key=_place)]

    @property
    def more_is_open(self) -> bool:
        """Whether one of the other settings is wrong, or is not the default; the priority counts as one."""
        priority = self["priority"]
        return bool(priority.errors or priority.value() not in (None, "", 0, "0")) or self._stands_out(
            self.more
        )

    @property
    def variations_are_open(self) -> bool:
        """The same of how training images are varied."""
        return self._stands_out(self.variations)

    def _stands_out(self, shown: list["ShownSetting"]) -> bool:
        defaults = defaults_of(self.shown)
        return any(
            each.field.errors or _shown(each.field.value()) != _shown(defaults[each.field.name])
            for each in shown
            if each.applies
        )

    def config(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults of the chosen architecture."""
        chosen = self.cleaned_data["architecture"]
        defaults = defaults_of(chosen)
        return {
            name: self.cleaned_data[name]
            for name, setting in SETTINGS.items()
            if setting.applies_to(chosen) and self.cleaned_data[name] != defaults[name]
        }

    def _shown_setting(self, name: str) -> "ShownSetting":
        setting, default = SETTINGS[name], defaults_of(self.shown)[name]
        numbers = setting.min is not None and setting.max is not None
        return ShownSetting(
            field=self[name],
            range=f"{setting.min:,g} to {setting.max:,.12g}." if numbers else "",
            default=told(default),
            only_for=setting.only_for or "",
            applies=setting.applies_to(self.shown),
        )

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal at the field it speaks of."""
        for name, sentences in (refusal.fields or {}).items():
            self.add_error(name if name in self.fields else None, sentences)
        if not refusal.fields:
            self.add_error(_AT.get(refusal.code), str(refusal))


def for_architecture(sent: Any) -> Any:
    """Return what was sent, where settings left at the defaults of another architecture follow the chosen.

    The form says by `shown` whose settings were on it: a browser without scripts keeps them as they were.
    """
    shown, chosen = sent.get("shown"), sent.get("architecture")
    if shown == chosen or shown not in ARCHITECTURES or chosen not in ARCHITECTURES:
        return sent
    before, after, moved = defaults_of(shown), defaults_of(chosen), sent.copy()
    for name, setting in SETTINGS.items():
        value = name in sent if setting.type == "bool" else sent.get(name, "")
        if _shown(value) != _shown(before[name]):
            continue
        if setting.type == "bool" and not after[name]:
            moved.pop(name, None)
        else:
            moved[name] = _shown(after[name])
    return moved


def like(run: TrainingRun) -> dict[str, Any]:
    """Return what fills the form as a run was queued."""
    kept = {name: value for name, value in run.config.items() if name in SETTINGS}
    return {
        **defaults_of(run.architecture),
        **kept,
        "split": run.split_id,
        "architecture": run.architecture,
        "name": run.name,
    }


def asked_for(asked: Mapping[str, str], *, split: int | None) -> dict[str, Any]:
    """Return what fills the form of a new run: the defaults, and what the address asks for."""
    recipe = RECIPES.get(asked.get("recipe", ""))
    architecture = recipe.architecture if recipe else asked.get("architecture", "")
    architecture = architecture if architecture in ARCHITECTURES else ARCHITECTURES[0]
    settings = recipe.settings if recipe else {}
    return {**defaults_of(architecture), **settings, "split": split, "architecture": architecture}


def told(value: Any) -> str:
    """Return a setting's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _WORDS.get(value, value) if isinstance(value, str) else f"{value:,.12g}"


def _place(name: str) -> tuple[bool, int]:
    return SETTINGS[name].type == "bool", list(SETTINGS).index(name)


def _shown(value: Any) -> str:
    """Return a value as a form sends it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return f"{float(value):.12g}" if number or isinstance(value, str) else str(value)
    except ValueError:
        return str(value)


def _field(setting: Field, default: Any) -> forms.Field:
    """Return the form's field of a setting; what it may be is the networks' to say."""
    told = {"label": setting.label, "help_text": setting.help, "initial": default}
    match setting.type:
        case "bool":
            return forms.BooleanField(required=False, **told)
        case "choice":
            names = [(choice, _WORDS.get(choice, choice)) for choice in setting.choices]
            return forms.ChoiceField(choices=names, **told)
        case _:
            return _NumberField(setting, **told)


class _NumberField(forms.Field):
    """A number in the range of its setting, refused in the words of the networks."""

    def __init__(self, setting: Field, **told: Any) -> None:
        self.setting = setting
        steps = "1" if setting.type == "int" else "any"
        limits = {"min": f"{setting.min:.12g}", "max": f"{setting.max:.12g}", "step": steps}
        super().__init__(required=False, widget=forms.NumberInput(attrs=limits), **told)

    def clean(self, value: Any) -> Any:
        """Return the number."""
        try:
            return self.setting.parse(value or "")
        except ValueError as error:
            sentence = str(error).replace(self.setting.name, self.setting.label, 1)
            raise forms.ValidationError(sentence) from error
