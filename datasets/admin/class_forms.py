"""The form of a dataset's classes: letters, spellings, colours and keys, with no clash between them."""

from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldAdminTextInputWidget

from datasets.importing.folders import plain
from datasets.models import LabelClass
from datasets.models.label_class import WORKBENCH_LETTERS, validate_letter

LONGEST_ALIAS = 100
# Keys that mean something else where images are labelled.
TAKEN_KEYS = frozenset({*WORKBENCH_LETTERS, "/", "?"})


class AliasesField(forms.Field):
    """A list of spellings, written as a text with commas."""

    def prepare_value(self, value: Any) -> Any:
        """Write the list as a text; leave what a person has typed."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Read the text as a list; an alias that occurs twice is a slip, not an error."""
        ProhibitNullCharactersValidator()(value)
        aliases = list(dict.fromkeys(part.strip() for part in (value or "").split(",") if part.strip()))
        if long := next((alias for alias in aliases if len(alias) > LONGEST_ALIAS), None):
            raise forms.ValidationError(
                f"{long[:20]}… is longer than {LONGEST_ALIAS} characters. Put a comma between two spellings."
            )
        return aliases

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists, not their texts."""
        try:
            return list(initial or []) != self.to_python(data)
        except forms.ValidationError:
            return True


class ColourField(forms.RegexField):
    """A colour as # and six digits; browsers write them small, here they are large."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            r"^#[0-9A-F]{6}\Z",
            widget=UnfoldAdminColorInputWidget,
            error_messages={"invalid": "A colour is # and six hexadecimal digits, such as #0072B2."},
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        """Return it in capitals."""
        return str(super().to_python(value)).upper()

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare colours, not how they are written."""
        return str(initial or "").upper() != str(data or "").upper()


class ClassForm(forms.ModelForm):  # type: ignore[type-arg]
    """One class."""

    aliases = AliasesField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "none", "spellcheck": "false"}),
        help_text="Other spellings that imports know, such as: Blot/Gel, Blots. Exports write the first.",
    )
    colour = ColourField()

    class Meta:
        model = LabelClass
        fields = ("short", "aliases", "colour", "hotkey", "letter")
        labels = {"short": "Letter", "hotkey": "Key", "letter": "Second key"}
        help_texts = {
            "short": "Tells it apart without its colour.",
            "hotkey": "Labels as it in the workbench.",
            "letter": "Does the same: a small letter, or none. "
            f"Taken by the workbench: {' '.join(WORKBENCH_LETTERS)}.",
        }
        error_messages = {
            "hotkey": {"max_length": "A key is one character, such as 1."},
            "letter": {"max_length": "A letter is one small letter from a to z."},
        }
        widgets = {
            "short": UnfoldAdminTextInputWidget(attrs={"size": 3, "maxlength": 3}),
            "hotkey": UnfoldAdminTextInputWidget(attrs={"size": 1, "maxlength": 1}),
            "letter": UnfoldAdminTextInputWidget(attrs={"size": 1, "maxlength": 1, "placeholder": "none"}),
        }

    def clean_hotkey(self) -> str:
        """Refuse a key that already means something else."""
        key = str(self.cleaned_data["hotkey"])
        if not key.isprintable() or key.isspace() or key.lower() in TAKEN_KEYS:
            raise forms.ValidationError(
                f"The key {key} has another meaning in the workbench. Choose a digit or another letter."
            )
        return key

    def clean_letter(self) -> str:
        """Refuse a letter that already means something else."""
        letter = str(self.cleaned_data["letter"])
        if letter:
            validate_letter(letter)
        return letter

    def _get_validation_exclusions(self) -> set[str]:
        # Two classes may swap their keys: the formset compares them with each other, not with the database.
        return {*super()._get_validation_exclusions(), "hotkey", "letter"}  # type: ignore[misc]


class ClassFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """All classes of a dataset: no letter, key or spelling may mean two of them."""

    def clean(self) -> None:
        """Show each clash at the later of the two."""
        super().clean()
        letters: dict[str, str] = {}
        keys: dict[str, str] = {}
        spellings: dict[str, str] = {}
        for form in self.initial_forms:
            name, values = form.instance.name, form.cleaned_data if form.is_valid() else {}
            self._claim(form, "short", values.get("short"), letters, name, "letter")
            self._claim(form, "hotkey", values.get("hotkey"), keys, name, "key")
            self._claim(form, "letter", values.get("letter"), keys, name, "key")
            for text in (name, *values.get("aliases", [])):
                other = spellings.setdefault(plain(text), name)
                if other != name:
                    form.add_error("aliases", f"{text} means {other} already. Each spelling is of one class.")

    def _claim(
        self, form: Any, field: str, value: str | None, claimed: dict[str, str], name: str, word: str
    ) -> None:
        """Note what a class is known by; an error where another has it."""
        if value and (other := claimed.setdefault(value, name)) != name:
            form.add_error(field, f"The {word} {value} is {other}'s. Choose another.")

    def save(self, commit: bool = True) -> Any:
        """Save the classes; those whose keys change give their old ones up first, so that two may swap."""
        for form in self.initial_forms:
            # A private character: no key, and none that another class has.
            given_up = {"hotkey": chr(0xE000 + form.instance.position), "letter": ""}
            changed = {name: nothing for name, nothing in given_up.items() if name in form.changed_data}
            if commit and changed:
                LabelClass.objects.filter(pk=form.instance.pk).update(**changed)
        return super().save(commit=commit)
