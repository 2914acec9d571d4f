"""Why a version says a class of an image: one function behind REST, page and command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifier.engines import engine_of
from classifier.explaining.agreement import Agreement, agreement_of
from classifier.explaining.kept import kept
from classifier.explaining.maps import Map, as_shares, cells_of, grad_cam, in_cells, occlusion, over_image
from classifier.explaining.opened import NotExplainable, OpenedNetwork, opened
from classifier.geometry import Box, box_of, fit_pixels
from classifier.models import ModelVersion
from classifier.serving.engine import Engine
from datasets import store
from datasets.decoding import decode
from datasets.errors import Refused
from datasets.models import Image


class Method(StrEnum):
    """How it is found out where a network looks."""

    GRAD_CAM = "gradcam"
    OCCLUSION = "occlusion"


class UnknownClass(Refused):
    """Raised where a version knows no class of that name."""

    code = "unknown_class"


@dataclass(frozen=True)
class Explanation:
    """Where a version sees a class in an image.

    `heat` lies over the image itself, top row first, 0 to 1 of its largest value; `grid` is its mean in
    nearly square cells, 8 along the longer side. `strength` is that largest value: for occlusion the largest
    drop of the class's probability. `agreement` of Grad-CAM and occlusion comes with occlusion.
    """

    version: ModelVersion
    method: Method
    class_name: str
    predicted: str
    probabilities: dict[str, float]
    heat: Map
    grid: Map
    strength: float
    agreement: Agreement | None = field(default=None)

    @property
    def probability(self) -> float:
        """What the version gives the class, 0 to 1."""
        return self.probabilities[self.class_name]


def explain(
    image: Image, version: ModelVersion, *, class_name: str | None = None, method: str = Method.GRAD_CAM
) -> Explanation:
    """Return where a version sees a class, the one it predicts if none is named, in an image.

    Raises UnknownClass, ModelUnusable, BytesMissing, ImageRefused, `Refused` (bad_method, not_explainable).
    """
    if method not in list(Method):
        raise Refused(f"A method is one of {', '.join(Method)}, not {method!r:.40}.", code="bad_method")
    asked = _Asked(image, version, engine_of(version))
    probabilities = asked.probabilities()
    predicted = version.classes[int(probabilities.argmax())]
    name = class_name or predicted
    if name not in version.classes:
        raise UnknownClass(f"{version} knows no class {name!r:.60}. It knows: {', '.join(version.classes)}.")
    number, box = version.classes.index(name), asked.box
    drops = asked.occlusion(number) if method == Method.OCCLUSION else None
    agreement = None
    if drops is None:
        over = asked.grad_cam(number)
        grid, strength = in_cells(over, *cells_of(box)), float(over.max())
    else:
        over, grid, strength = drops, drops, float(drops.max())
        agreement = asked.agreement(number, drops)
    return Explanation(
        version=version,
        method=Method(method),
        class_name=name,
        predicted=predicted,
        probabilities=dict(zip(version.classes, probabilities.tolist(), strict=True)),
        heat=as_shares(over),
        grid=as_shares(grid),
        strength=strength,
        agreement=agreement,
    )


def opened_network(version: ModelVersion) -> OpenedNetwork:
    """Return the network of a version, opened up; raises ModelUnusable where its files are not in order."""
    engine_of(version)
    return opened(version.onnx_path, sha256=version.onnx_sha256)


def as_seen(image: Image, version: ModelVersion) -> NDArray[np.uint8]:
    """Return an image as a version sees it, uint8 (size, size, 3). BytesMissing, ImageRefused."""
    pixels = decode(store.read(image.sha256)).pixels
    return fit_pixels(pixels, size=version.input_size, geometry=version.geometry)


@dataclass
class _Asked:
    """One image before one version; what was worked out before is not worked out again."""

    image: Image
    version: ModelVersion
    engine: Engine

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """The image in the network's square."""
        return as_seen(self.image, self.version)

    @property
    def box(self) -> Box:
        """Where it lies there."""
        size, geometry = self.version.input_size, self.version.geometry
        return box_of(self.image.height, self.image.width, size=size, geometry=geometry)

    def probabilities(self) -> NDArray[np.float64]:
        """What the version gives each class."""
        return self._kept(
            "probabilities", make=lambda: self.engine.probabilities([self.pixels])[0].astype(np.float64)
        )

    def grad_cam(self, number: int) -> Map:
        """The Grad-CAM of a class over the image. `Refused` (not_explainable)."""

        def made() -> Map:
            try:
                return grad_cam(opened_network(self.version), self.pixels, number)
            except NotExplainable as refusal:
                raise Refused(f"{self.version}: {refusal}", code=refusal.code) from refusal

        found = self._kept("gradcam", str(number), make=made)
        return over_image(found, size=self.version.input_size, box=self.box)

    def occlusion(self, number: int) -> Map:
        """The drop of a class's probability where each cell is hidden."""

        def of_class(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
            return self.engine.probabilities(images)[:, number]

        return self._kept("occlusion", str(number), make=lambda: occlusion(of_class, self.pixels, self.box))

    def agreement(self, number: int, drops: Map) -> Agreement | None:
        """Whether Grad-CAM tells the same as occlusion; None for a network that has no Grad-CAM."""
        try:
            found = in_cells(self.grad_cam(number), *drops.shape)
        except Refused:
            return None
        return agreement_of(found, drops, class_name=self.version.classes[number])

    def _kept(self, *what: str, make: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        return kept(self.version, (self.image.sha256, *what), make)
