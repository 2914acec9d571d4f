"""Say where a model sees a class in a stored image."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from classifier.explaining.heat import Method, explain
from classifier.explaining.picture import heat_png
from classifier.registry import find_model
from datasets.errors import Refused
from datasets.management.output import JsonCommand
from datasets.models import Image


class Command(JsonCommand):
    """`explain IMAGE [--model MODEL] [--class CLASS] [--method gradcam|occlusion] [--heatmap FILE]`."""

    help = "Say where a model sees a class in an image, by Grad-CAM or by occlusion."

    def add_options(self, parser: CommandParser) -> None:
        """Add image, model, class, method, heatmap."""
        parser.add_argument("image", metavar="IMAGE", type=int, help="the image's id")
        parser.add_argument("--model", metavar="MODEL", help="an id, name@version, or an alias")
        parser.add_argument(
            "--class", dest="class_name", metavar="CLASS", help="the predicted one if left out"
        )
        parser.add_argument("--method", choices=list(Method), default=Method.GRAD_CAM.value)
        parser.add_argument(
            "--heatmap", metavar="FILE", help="write the heat map as PNG, to lay over the image"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        """Explain, and draw where that is asked for."""
        image = Image.objects.filter(pk=options["image"]).select_related("paper", "dataset").first()
        if image is None:
            raise Refused(f"There is no image {options['image']}.", code="unknown_image")
        version = find_model(options["model"])
        found = explain(image, version, class_name=options["class_name"], method=options["method"])
        self.say(f"{version} gives {found.class_name} {found.probability:.3f} in {image}")
        for row in found.grid:
            self.say("  " + " ".join(f"{100 * share:3.0f}" for share in row))
        self.say("Of 100 where it is hottest, by cells of the image, top row first.")
        if found.agreement:
            self.say(found.agreement.text)
        if options["heatmap"]:
            png = heat_png(found.heat, width=image.width, height=image.height)
            try:
                Path(options["heatmap"]).write_bytes(png)
            except OSError as error:
                raise CommandError(f"{options['heatmap']}: {error.strerror}") from error
        return {
            "image": image.pk,
            "model": {"id": version.pk, "name": version.name, "version": version.version},
            "class": found.class_name,
            "predicted": found.predicted,
            "probability": found.probability,
            "method": found.method,
            "grid": found.grid.round(4).tolist(),
            "strength": found.strength,
            "agreement": vars(found.agreement) if found.agreement else None,
        }
