"""What the section "Why" needs, on the image page and in the large view."""

from typing import Any

from classifier.models import ModelVersion
from classifier.models.registry import CHAMPION

MODELS = 50


def why_of(user: Any, chosen: ModelVersion | None = None) -> dict[str, Any]:
    """Return the models that may be asked why, and which is asked first: the chosen one, or the champion."""
    seen = ModelVersion.objects.visible_to(user)
    champion = seen.filter(aliases__name=CHAMPION).first()
    versions = list(seen.order_by("-pk")[:MODELS])
    first = chosen or champion or (versions[0] if versions else None)
    rest = [version for version in versions if version != first]
    return {"versions": [*([first] if first else []), *rest], "champion": champion}
