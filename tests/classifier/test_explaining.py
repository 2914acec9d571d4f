"""Where a version looks, on the image itself; whether two ways of asking agree; what is kept."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Picture

from classifier.engines import ModelUnusable
from classifier.explaining import heat
from classifier.explaining.agreement import agreement_of, rank_correlation
from classifier.explaining.heat import UnknownClass, explain
from classifier.explaining.maps import cells_of, in_cells, occlusion, over_image
from classifier.explaining.picture import coloured, heat_png
from classifier.geometry import Box, box_of, fit_pixels
from classifier.models import ModelVersion
from classifier.pixels import caches
from datasets.errors import Refused
from datasets.models import Image
from tests.factories import ImageFactory
from tests.factories_models import ModelVersionFactory

SIZE = 32
Corner = tuple[int, int]


def with_corner(
    corner: Corner, *, height: int, width: int, colour: tuple[int, int, int] = (255, 0, 0)
) -> np.ndarray:
    """A dark image with a coloured corner: (0, 0) is top left, (1, 1) bottom right."""
    pixels = np.full((height, width, 3), 10, dtype=np.uint8)
    rows = slice(0, height // 4) if not corner[0] else slice(-(height // 4), None)
    columns = slice(0, width // 4) if not corner[1] else slice(-(width // 4), None)
    pixels[rows, columns] = colour
    return pixels


def stored(pixels: np.ndarray) -> Image:
    """An image of these pixels in the store."""
    written = BytesIO()
    Picture.fromarray(pixels).save(written, "PNG")
    image: Image = ImageFactory(data=written.getvalue(), label="FAC")
    Image.objects.filter(pk=image.pk).update(height=pixels.shape[0], width=pixels.shape[1])
    image.refresh_from_db()
    return image


def seeing(geometry: str = "letterbox") -> ModelVersion:
    """A version that takes red for the first class."""
    version: ModelVersion = ModelVersionFactory(sees=True, input_size=SIZE, geometry=geometry)
    return version


def hottest(grid: np.ndarray) -> tuple[float, float]:
    """Where the middle of the heat lies, (down, right), 0 to 1."""
    down, right = (np.arange(side) + 0.5 for side in grid.shape)
    total = grid.sum()
    return float(grid.sum(axis=1) @ down / total / len(down)), float(
        grid.sum(axis=0) @ right / total / len(right)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("geometry", ["letterbox", "stretch"])
@pytest.mark.parametrize("shape", [(40, 120), (120, 40), (64, 64), (200, 16)])
@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("method", ["gradcam", "occlusion"])
def test_the_corner_that_decides_is_the_hottest_of_the_image(
    geometry: str, shape: tuple[int, int], corner: Corner, method: str
) -> None:
    image = stored(with_corner(corner, height=shape[0], width=shape[1]))
    found = explain(image, seeing(geometry), method=method)
    assert found.class_name == "BlotGel"
    # One cell in a row tells nothing of left and right.
    for place, side, wanted in zip(hottest(found.grid), found.grid.shape, corner, strict=True):
        if side > 2:
            assert place > 0.6 if wanted else place < 0.4
    # And so is the picture that is laid over it.
    png = np.asarray(Picture.open(BytesIO(heat_png(found.heat, width=shape[1], height=shape[0]))))
    assert png.shape[0] * shape[1] == png.shape[1] * shape[0]
    brightest = np.unravel_index(png[:, :, 3].argmax(), png.shape[:2])
    for place, length, side, wanted in zip(brightest, png.shape, found.grid.shape, corner, strict=False):
        assert side <= 2 or (2 * place >= length) == bool(wanted)


def test_a_map_over_the_square_is_cut_to_where_the_image_lies() -> None:
    box = box_of(50, 200, size=100, geometry="letterbox")
    assert box == Box(top=37, left=0, height=25, width=100)
    heat_of_padding = np.zeros((4, 4))
    heat_of_padding[0] = 1
    assert over_image(heat_of_padding, size=100, box=box).max() < 0.05
    assert over_image(np.ones((4, 4)), size=100, box=box).shape == (25, 100)


def test_the_box_is_where_fitting_puts_the_image() -> None:
    for height, width in ((31, 97), (97, 31), (8, 200), (64, 64)):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        pixels[1:-1, 1:-1] = 255
        top, left, tall, wide = box_of(height, width, size=64, geometry="letterbox")
        inside = np.argwhere(fit_pixels(pixels, size=64, geometry="letterbox")[:, :, 0] > 0)
        low, high = inside.min(axis=0), inside.max(axis=0)
        assert (low >= (top, left)).all()
        assert (high < (top + tall, left + wide)).all()


def test_cells_are_nearly_square_and_share_out_a_map() -> None:
    assert cells_of(Box(0, 0, 100, 100)) == (8, 8)
    assert cells_of(Box(0, 0, 25, 100)) == (2, 8)
    assert cells_of(Box(0, 0, 100, 1)) == (8, 1)
    assert cells_of(Box(0, 0, 4, 6)) == (4, 6)
    shares = in_cells(np.arange(16.0).reshape(4, 4), 2, 2)
    assert shares.tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_occlusion_tells_the_drop_where_each_part_is_hidden() -> None:
    pixels = with_corner((0, 0), height=16, width=16)

    def red(images: Any) -> np.ndarray:
        return np.array([(each[:, :, 0] > 200).mean() for each in images], dtype=np.float32)

    drops = occlusion(red, pixels, Box(0, 0, 16, 16))
    # The red corner is two by two cells of two by two pixels, and so is a patch.
    assert drops.shape == (8, 8)
    assert drops[0, 0] == pytest.approx(16 / 256)
    assert drops[1, 1] == pytest.approx((16 + 8 + 8 + 4) / 4 / 256)
    assert drops[2, 2] == pytest.approx(4 / 4 / 256)
    assert (drops[3:] == 0).all()


def test_rank_correlation_is_spearmans() -> None:
    from scipy.stats import spearmanr

    generator = np.random.default_rng(3)
    first = generator.integers(0, 5, (10, 10)).astype(float)
    second = first + generator.normal(0, 2, (10, 10)).round()
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first.ravel(), second.ravel())[0])
    assert rank_correlation(first, np.ones((10, 10))) is None


def test_agreement_is_told_in_words() -> None:
    ramp = np.linspace(0, 1, 100).reshape(10, 10)
    noise = np.random.default_rng(0).permuted(ramp.ravel()).reshape(10, 10)
    assert agreement_of(ramp, ramp, class_name="FAC").verdict == "agree"
    assert agreement_of(ramp, ramp + 2 * noise, class_name="FAC").verdict == "agree in part"
    opposed = agreement_of(ramp, ramp[::-1], class_name="FAC")
    assert (opposed.verdict, "be careful" in opposed.text) == ("disagree", True)
    unmoved = agreement_of(ramp, ramp / 200, class_name="FAC")
    assert (unmoved.correlation, unmoved.verdict) == (None, "not to be told")
    assert agreement_of(np.zeros((10, 10)), ramp, class_name="FAC").verdict == "not to be told"


@pytest.mark.django_db
def test_both_methods_agree_where_one_corner_decides() -> None:
    found = explain(stored(with_corner((0, 1), height=64, width=64)), seeing(), method="occlusion")
    assert found.agreement is not None
    assert found.agreement.verdict == "agree"
    assert found.strength > 0.1


@pytest.mark.django_db
def test_a_class_that_is_named_is_explained_instead_of_the_predicted_one() -> None:
    pixels = with_corner((0, 0), height=64, width=64)
    pixels[-12:, -12:] = (0, 255, 0)
    image, version = stored(pixels), seeing()
    assert explain(image, version).class_name == "BlotGel"
    second = explain(image, version, class_name="FAC")
    assert (second.class_name, second.predicted) == ("FAC", "BlotGel")
    assert min(hottest(second.grid)) > 0.6
    assert 0 < second.probability < explain(image, version).probability
    with pytest.raises(UnknownClass, match="knows no class 'Cat'"):
        explain(image, version, class_name="Cat")
    with pytest.raises(Refused, match="gradcam, occlusion"):
        explain(image, version, method="guess")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["gradcam", "occlusion"])
def test_what_was_explained_once_is_not_worked_out_again(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, version = stored(with_corner((0, 0), height=64, width=64)), seeing()
    first = explain(image, version, method=method)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("worked out again")

    monkeypatch.setattr(heat, "decode", never)
    again = explain(image, version, method=method)
    assert np.array_equal(again.heat, first.heat)
    assert (again.probabilities, again.agreement) == (first.probabilities, first.agreement)
    for kept in caches().rglob("*.json"):
        kept.write_text("[1, 2")
    with pytest.raises(AssertionError, match="worked out again"):
        explain(image, version, method=method)


@pytest.mark.django_db
def test_a_network_without_a_map_is_explained_by_occlusion_alone() -> None:
    image = stored(with_corner((0, 0), height=64, width=64))
    version = ModelVersionFactory(answers=True)
    with pytest.raises(Refused, match="Ask for occlusion") as refused:
        explain(image, version)
    assert refused.value.code == "not_explainable"
    assert explain(image, version, method="occlusion").agreement is None


@pytest.mark.django_db
def test_missing_files_are_told_even_where_the_answer_was_kept() -> None:
    image, version = stored(with_corner((0, 0), height=64, width=64)), seeing()
    explain(image, version)
    version.onnx_path.unlink()
    with pytest.raises(ModelUnusable, match=r"model\.onnx of this model is missing"):
        explain(image, version)


def test_colours_are_those_of_viridis() -> None:
    import matplotlib

    shares = np.linspace(0, 1, 256)
    wanted = matplotlib.colormaps["viridis"](shares)[:, :3] * 255
    assert np.abs(coloured(shares).astype(float) - wanted).max() <= 8


@pytest.mark.django_db
def test_the_command_tells_the_cells_and_writes_the_picture(tmp_path: Path, capsys: Any) -> None:
    image, version = stored(with_corner((0, 0), height=64, width=64)), seeing()
    drawn = tmp_path / "heat.png"
    call_command("explain", image.pk, model=str(version), method="occlusion", heatmap=str(drawn))
    told = capsys.readouterr().out
    assert f"{version} gives BlotGel" in told
    assert "Both methods point to the same places" in told
    assert Picture.open(drawn).size == (64, 64)
    call_command("explain", image.pk, class_name="FAC", json=True)
    assert json.loads(capsys.readouterr().out)["class"] == "FAC"
    with pytest.raises(CommandError, match="There is no image 999"):
        call_command("explain", 999)
