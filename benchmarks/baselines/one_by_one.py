"""The baseline of the curation benchmark: a page per image, its label saved before the next page comes."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from datasets.labelling import correct_label
from datasets.models import Image

# The key that finds the label right.
RIGHT = "y"
PAGE = """<!doctype html><title>Label</title><form method="post"><img src="{picture}" height="400">
{buttons}</form><script>addEventListener("keydown", (event) => {{
const button = document.querySelector(`[data-key="${{event.key}}"]`);
if (button) button.click(); }});</script>"""


@csrf_exempt
def one_image(request: HttpRequest) -> HttpResponse:
    """Show one image with a button per class; a button saves and leads to the next page."""
    at = int(request.GET["at"])
    image: Any = Image.objects.select_related("dataset").order_by("id")[at]
    if request.method == "POST":
        said = request.POST["label"]
        label = image.label if said == RIGHT else image.dataset.class_named(said)
        correct_label(image, label=label, excluded=False, author=request.user, expected_version=None)
        return HttpResponse(status=303, headers={"Location": f"/one-by-one/?at={at + 1}"})
    buttons = "".join(
        f'<button name="label" value="{each.name}" data-key="{each.hotkey}">{each.name}</button>'
        for each in image.dataset.classes.all()
    )
    buttons += f'<button name="label" value="{RIGHT}" data-key="{RIGHT}">{image.label} is right</button>'
    return HttpResponse(PAGE.format(picture=f"/api/v1/images/{image.pk}/picture/", buttons=buttons))


urlpatterns = [path("one-by-one/", one_image), path("", include("biofors_site.urls"))]
