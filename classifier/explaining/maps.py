"""Heat maps of where a network looks, brought from its square back to the image."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifier.explaining.opened import OpenedNetwork
from classifier.geometry import Box

# Cells along the longer side of an image, in which maps are told and compared.
CELLS = 8
# Cells along a side of the patch that hides a part of the image.
PATCH = 2

Map = NDArray[np.float64]


def grad_cam(network: OpenedNetwork, pixels: NDArray[np.uint8], class_number: int) -> Map:
    """Return the Grad-CAM of a class over the network's square, (h, w), 0 and above.

    The sum of the last convolutional map's channels, each weighted by the mean gradient of the class's score
    by it, what is negative set to 0: R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
    Raises NotExplainable.
    """
    channels, gradient = network.map_and_gradient(pixels, class_number)
    weights = gradient.mean(axis=(0, 1))
    return np.maximum(channels @ weights, 0)


def occlusion(
    probability: Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float32]],
    pixels: NDArray[np.uint8],
    box: Box,
) -> Map:
    """Return by how much hiding each cell of an image lowers a class's probability, (rows, columns).

    A patch of the image's mean colour is slid over it, cell by cell; a cell gets the mean of the drops of all
    patches that cover it. M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks",
    ECCV 2014, section 4.2. `pixels` are the square, `box` is where the image lies in it.
    """
    rows, columns = cells_of(box)
    tall, wide = min(PATCH, rows), min(PATCH, columns)
    tops, lefts = _edges(box.height, rows) + box.top, _edges(box.width, columns) + box.left
    mean = pixels[tops[0] : tops[-1], lefts[0] : lefts[-1]].mean(axis=(0, 1)).round().astype(np.uint8)
    places = list(np.ndindex(rows - tall + 1, columns - wide + 1))
    hidden = [pixels]
    for row, column in places:
        copy = pixels.copy()
        copy[tops[row] : tops[row + tall], lefts[column] : lefts[column + wide]] = mean
        hidden.append(copy)
    whole, *others = probability(hidden).astype(np.float64)
    drops, covered = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (row, column), left in zip(places, others, strict=True):
        drops[row : row + tall, column : column + wide] += whole - left
        covered[row : row + tall, column : column + wide] += 1
    return drops / covered


def cells_of(box: Box) -> tuple[int, int]:
    """Return how many rows and columns of cells an image has: nearly square ones, CELLS along the longer."""
    longer = max(box.height, box.width)
    rows, columns = (min(side, max(1, round(CELLS * side / longer))) for side in (box.height, box.width))
    return rows, columns


def over_image(heat: Map, *, size: int, box: Box) -> Map:
    """Return what of a map over the network's square lies over the image, (height, width) of the box."""
    square = np.asarray(
        Image.fromarray(heat.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR),
        dtype=np.float64,
    )
    return square[box.top : box.top + box.height, box.left : box.left + box.width]


def in_cells(heat: Map, rows: int, columns: int) -> Map:
    """Return the mean of a map over an image in each of its cells, (rows, columns)."""
    sums = np.add.reduceat(heat, _edges(heat.shape[0], rows)[:-1], axis=0)
    sums = np.add.reduceat(sums, _edges(heat.shape[1], columns)[:-1], axis=1)
    sizes = np.outer(np.diff(_edges(heat.shape[0], rows)), np.diff(_edges(heat.shape[1], columns)))
    return np.asarray(sums / sizes)


def as_shares(heat: Map) -> Map:
    """Return what is positive in a map as shares of its largest value, 0 to 1; 0 where nothing is."""
    positive = np.maximum(heat, 0)
    largest = float(positive.max(initial=0))
    return positive / largest if largest > 0 else positive


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    """Return where so many nearly equal parts of a length begin, and where the last ends."""
    return np.linspace(0, length, parts + 1).round().astype(np.int64)
