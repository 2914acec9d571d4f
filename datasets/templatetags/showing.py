"""How pages show scores, moments, classes and states: the same everywhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()
NONE = "\N{EN DASH}"
_UNKNOWN = {"short": "?", "colour": "#7f7f7f"}


@register.filter
def score(value: float | None) -> str:
    """A share of 0 to 1 with three digits; a dash where there is none."""
    return NONE if value in (None, "") else f"{value:.3f}"


@register.filter
def interval(ends: Sequence[float] | None) -> str:
    """The ends of an interval of a share, with two digits; nothing where there is none."""
    return f"{ends[0]:.2f} to {ends[1]:.2f}" if ends else ""


@register.filter
def place(share: float) -> str:
    """Where a share stands on a line from 0 to 100, for a style: without a locale."""
    return f"{100 * share:.1f}"


@register.filter
def percent(value: float | None) -> str:
    """A share of 0 to 1 in whole percent; a dash where there is none."""
    return NONE if value in (None, "") else f"{100 * value:.0f} %"


@register.filter
def percent1(value: float | None) -> str:
    """A share of 0 to 1 in percent with one digit; a dash where there is none."""
    return NONE if value in (None, "") else f"{100 * value:.1f} %"


@register.filter
def change(drop: float) -> str:
    """What is lost, as a signed change with three digits."""
    return f"{-drop:+.3f}" if abs(drop) >= 0.0005 else "0.000"


@register.filter
def plain(value: Any) -> str:
    """A number without separators, for attributes and addresses."""
    return str(value)


@register.filter
def item(mapping: Any, key: Any) -> Any:
    """What a dict holds under a key that the template knows by a variable; None where it holds nothing."""
    return mapping.get(key) if mapping else None


@register.filter
def minutes(seconds: float | None) -> str:
    """A duration such as `48 s`, `3 min 20 s`, `1 h 05 min`."""
    if seconds in (None, ""):
        return NONE
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def size(number: int | None) -> str:
    """A number of bytes such as `812 MB`, `1.24 GB`; a dash where there is none."""
    if number in (None, ""):
        return NONE
    return f"{number / 1e9:.2f} GB" if number >= 999.5e6 else f"{number / 1e6:.0f} MB"


@register.simple_tag
def when(moment: datetime | None) -> str:
    """A moment as `3 minutes ago`, exact on hover."""
    if not moment:
        return NONE
    exact = f"{date(timezone.localtime(moment), 'Y-m-d H:i:s')} UTC"
    past = timezone.now() - moment
    shown = "just now" if past.total_seconds() < 60 else f"{timesince(moment, depth=1)} ago"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, shown)


@register.simple_tag
def chip(name: str | None, looks: dict[str, dict[str, str]], *, excluded: bool = False) -> SafeString:
    """A class with its colour and letter; hollow without a label, struck where excluded."""
    if name is None:
        return format_html('<span class="chip chip-none{}">no label</span>', " struck" if excluded else "")
    style = (looks or {}).get(name, _UNKNOWN)
    return format_html(
        '<span class="chip{}" style="--class: {}"><b>{}</b>{}</span>',
        " struck" if excluded else "",
        style["colour"],
        style["short"],
        name,
    )


@register.simple_tag
def whisker(ends: Sequence[float]) -> SafeString:
    """An interval of a share as a bar on a line from 0 to 1."""
    low, width = f"{100 * ends[0]:.1f}", f"{100 * (ends[1] - ends[0]):.1f}"
    return format_html('<i class="whisker" style="left: {}%; width: {}%"></i>', low, width)


@register.simple_tag
def state(value: str) -> SafeString:
    """A job's state as a badge."""
    return format_html('<span class="state state-{}">{}</span>', value, value)


@register.simple_tag
def leak_badge(leaks: bool) -> SafeString:
    """Whether a split leaks, as a badge that says it in words."""
    if leaks:
        told = "Test shares papers, panel groups or exact bytes with train: scores on it will be too good."
        return format_html('<span class="leaks" title="{}">leaks</span>', told)
    return format_html('<span class="leaks no-leak">{}</span>', "no leak")
