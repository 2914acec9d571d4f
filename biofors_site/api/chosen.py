"""Images that parameters choose, as the list of images and the workbench take them."""

from collections.abc import Mapping
from typing import Any

from biofors_site.api.filters import WideImageFilter
from biofors_site.api.views import NoModelChosen, PredictedImageViewSet, in_order
from classifier.models import ModelVersion
from datasets.errors import Refused
from datasets.models import Image


class BadFilter(Refused):
    """Raised where images are chosen by what is no filter."""

    code = "invalid"


def chosen_by(query: Mapping[str, str], request: Any) -> tuple[Any, tuple[str, ...], ModelVersion | None]:
    """Return the images that these parameters choose, the fields of their order, and the model shown.

    Among the parameters is an `ordering`. Raises BadFilter.
    """
    known = PredictedImageViewSet.orderings
    if query["ordering"] not in known:
        raise BadFilter(f"{query['ordering']!r:.40} is no order of images.")
    asked = WideImageFilter(query, queryset=Image.objects.visible_to(request.user), request=request)
    if unknown := sorted(set(query) - set(asked.filters) - {"ordering"}):
        raise BadFilter(f"There is no filter {unknown[0]!r:.40}.")
    if not asked.is_valid():
        name, told = next(iter(asked.errors.items()))
        raise BadFilter(str(told[0]), fields={f"filter.{name}": [str(each) for each in told]})
    try:
        images, fields = in_order(asked)
    except NoModelChosen as error:
        raise BadFilter(str(error)) from error
    return images, fields, asked.version
