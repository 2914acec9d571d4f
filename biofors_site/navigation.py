"""The theme and the sidebar, in the order of the work."""

from typing import Any

UNFOLD: dict[str, Any] = {"SITE_TITLE": "BioFors", "SITE_HEADER": "BioFors"}
