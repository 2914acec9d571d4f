"""One setting of a training run: its type, range and help, and how what a person gave is read."""

from dataclasses import dataclass
from typing import Any, Literal

TRUE_WORDS = {"true", "yes", "on", "1"}
FALSE_WORDS = {"false", "no", "off", "0"}


@dataclass(frozen=True)
class Field:
    """What a form needs to know of one setting.

    `only_for` names the one architecture that reads it, `group` the settings it is shown with; a field that
    is not `editable` is set by the installation or by the choice of the architecture, never by a run's own
    settings.
    """

    name: str
    type: Literal["int", "float", "bool", "choice", "text"]
    label: str
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    only_for: str | None = None
    group: str = ""
    editable: bool = True

    def applies_to(self, architecture: str) -> bool:
        """Whether an architecture reads it."""
        return self.only_for in (None, architecture)

    def parse(self, value: object) -> Any:
        """Return the value in the field's own type; raises ValueError with a sentence naming the range."""
        match self.type:
            case "bool":
                return self._parse_bool(value)
            case "choice":
                if str(value) not in self.choices:
                    raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}.")
                return str(value)
            case "text":
                if not isinstance(value, str) or not value.strip() or "\0" in value:
                    raise ValueError(f"{self.name} must be a text that is not empty.")
                return value.strip()
            case _:
                return self._parse_number(value)

    def _parse_bool(self, value: object) -> bool:
        """Return a truth from a bool or from a word for one."""
        word = str(value).strip().lower()
        if isinstance(value, bool | str) and word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
        raise ValueError(f"{self.name} must be true or false.")

    def _parse_number(self, value: object) -> int | float:
        """Return a number within the range, whole for "int"."""
        kind = "a whole number" if self.type == "int" else "a number"
        sentence = f"{self.name} must be {kind} from {self.min:g} to {self.max:.10g}."
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(sentence)
        try:
            number = float(value)
            whole = int(number) if self.type == "int" else 0
        except (ValueError, OverflowError):
            raise ValueError(sentence) from None
        if self.type == "int" and whole != number:
            raise ValueError(sentence)
        if not (self.min is not None and self.max is not None and self.min <= number <= self.max):
            raise ValueError(sentence)
        return whole if self.type == "int" else number
