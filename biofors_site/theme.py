"""How the admin theme looks here."""

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "BioFors",
    "SITE_HEADER": "BioFors panels",
    "SITE_SYMBOL": "biotech",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [
        lambda request: static("css/site.css"),
        lambda request: static("css/parts.css"),
        lambda request: static("css/workbench.css"),
        lambda request: static("css/why.css"),
    ],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("images/icon.svg")}
    ],
    "GLOBAL_CALLBACK": "biofors_site.navigation.frame_context",
    "BORDER_RADIUS": "4px",
    "COLORS": {
        # An ink blue that is none of the classes' colours.
        "primary": {
            "50": "oklch(97% .012 270)",
            "100": "oklch(94% .028 270)",
            "200": "oklch(88% .055 270)",
            "300": "oklch(80% .09 270)",
            "400": "oklch(71% .125 270)",
            "500": "oklch(63% .145 270)",
            "600": "oklch(52% .15 270)",
            "700": "oklch(45% .14 270)",
            "800": "oklch(38% .115 270)",
            "900": "oklch(32% .09 270)",
            "950": "oklch(24% .065 270)",
        },
    },
    "SIDEBAR": {"navigation": "biofors_site.navigation.sidebar"},
}
