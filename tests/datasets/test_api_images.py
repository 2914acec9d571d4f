"""Images over REST, as a script uses it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from rest_framework.test import APIClient

from datasets.decoding import MAX_BYTES
from datasets.models import Image
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, png, sha256
from tests.rest import API, AWKWARD, LFS_POINTER, api, assert_error, upload

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


def raw_form(name: str) -> bytes:
    """A form with one image under a name that a well-behaved client would not send."""
    head = (
        f'--x\r\nContent-Disposition: form-data; name="dataset"\r\n\r\nd\r\n'
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    )
    return head.encode() + png(0) + b"\r\n--x--\r\n"


def test_an_upload_is_stored_and_shown(api: Api) -> None:
    DatasetFactory(slug="d")
    body = {"dataset": "d", "file": upload(name="030201.png"), "paper": "77", "label": "FACS"}
    response = api().post(f"{API}images/", body, format="multipart")
    assert response.status_code == 201
    assert response["ETag"] == '"1"'
    image = response.json()
    assert image["sha256"] == sha256(png(0))
    expected = {
        "dataset": "d",
        "paper": "77",
        "file": "030201.png",
        "figure": "03",
        "panel_group": "0302",
        "label": "FAC",
        "excluded": False,
        "version": 1,
        "width": 16,
        "height": 12,
        "state": "labelled",
    }
    assert {key: image[key] for key in expected} == expected
    shown = api("viewer").get(f"{API}images/{image['id']}/")
    assert shown["ETag"] == '"1"'
    assert {**shown.json(), "prediction": None} == {**image, "prediction": None}
    assert api("viewer").get(image["file_url"]).getvalue() == png(0)


def test_the_same_bytes_under_the_same_name_are_found_again(api: Api) -> None:
    DatasetFactory(slug="d")
    codes = [
        api()
        .post(
            f"{API}images/", {"dataset": "d", "file": upload(seed=seed), "paper": paper}, format="multipart"
        )
        .status_code
        for seed, paper in [(0, "1"), (0, "1"), (1, "1"), (0, "2")]
    ]
    assert codes == [201, 200, 409, 201]
    assert Image.objects.count() == 2


@pytest.mark.parametrize("kind", AWKWARD)
def test_an_awkward_upload_is_refused_by_name_and_leaves_nothing(api: Api, kind: str) -> None:
    DatasetFactory(slug="d")
    data, code = AWKWARD[kind]
    body = {"dataset": "d", "file": upload(data, "panel.png"), "paper": "9"}
    assert_error(api().post(f"{API}images/", body, format="multipart"), 400, code)
    assert not Image.objects.exists()


def test_an_upload_that_is_too_large_is_refused(api: Api) -> None:
    DatasetFactory(slug="d")
    for size in (MAX_BYTES + 1, MAX_BYTES + 3 * 1024 * 1024):
        body = {"dataset": "d", "file": upload(b"\0" * size)}
        assert_error(api().post(f"{API}images/", body, format="multipart"), 413, "too_large")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("..\\..\\x.png", "x.png"),
        ("/etc/x.png", "x.png"),
        ("C:\\images\\x.png", "x.png"),
        ("a/b.png", "b.png"),
    ],
)
def test_a_name_that_climbs_is_cut_to_its_last_part(api: Api, data_dir: Path, name: str, kept: str) -> None:
    DatasetFactory(slug="d")
    response = api().post(f"{API}images/", raw_form(name), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 201, response.content
    assert [image.file_name for image in Image.objects.all()] == [kept]
    lying = [path for path in data_dir.parent.rglob("*") if path.suffix == ".png" or path.name == "passwd"]
    assert lying == []


@pytest.mark.parametrize("name", [".hidden.png", "../.x.png", "Thumbs.db"])
def test_a_name_that_folders_hide_is_refused(api: Api, name: str) -> None:
    DatasetFactory(slug="d")
    response = api().post(f"{API}images/", raw_form(name), content_type="multipart/form-data; boundary=x")
    assert_error(response, 400, "unsafe_name")
    assert not Image.objects.exists()


def test_a_paper_that_climbs_is_refused(api: Api) -> None:
    DatasetFactory(slug="d")
    body = {"dataset": "d", "file": upload(), "paper": "../x"}
    assert_error(api().post(f"{API}images/", body, format="multipart"), 400, "unsafe_name")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"dataset": "nowhere"}, 404, "unknown_dataset"),
        ({"label": "Cat"}, 400, "unknown_label"),
        ({"file": "no file"}, 400, "invalid"),
        ({"dataset": ""}, 400, "invalid"),
    ],
)
def test_an_upload_with_something_wrong_says_what(
    api: Api, change: dict[str, Any], status: int, code: str
) -> None:
    DatasetFactory(slug="d")
    body = {"dataset": "d", "file": upload(), **change}
    assert_error(api().post(f"{API}images/", body, format="multipart"), status, code)


def test_broken_form_data_is_a_parse_error(api: Api) -> None:
    client = api()
    response = client.post(f"{API}images/", b"nonsense", content_type="multipart/form-data; boundary=x")
    assert_error(response, 400, "invalid")
    response = client.post(f"{API}images/", b"nonsense", content_type="multipart/form-data")
    assert_error(response, 400, "parse_error")
    assert_error(
        client.post(f"{API}relabel/", b"{not json", content_type="application/json"), 400, "parse_error"
    )
    assert_error(
        client.post(f"{API}images/", LFS_POINTER, content_type="text/x-lfs"), 415, "unsupported_media_type"
    )


def test_files_are_kept_for_ever_by_their_hash(api: Api) -> None:
    image = ImageFactory()
    client = api("viewer")
    for route in ("file", "thumbnail"):
        response = client.get(f"{API}images/{image.pk}/{route}/", headers={"Accept": "image/avif,image/*"})
        assert response.status_code == 200
        assert response["Content-Type"] == ("image/png" if route == "file" else "image/jpeg")
        assert response["ETag"] == f'"{image.sha256}"'
        assert response["Cache-Control"] == "private, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"].startswith("inline")
        again = client.get(f"{API}images/{image.pk}/{route}/", headers={"If-None-Match": response["ETag"]})
        assert again.status_code == 304


def test_the_picture_is_what_every_browser_can_show(api: Api) -> None:
    DatasetFactory(slug="d")
    client = api()
    deep = BytesIO()
    grey = np.linspace(1000, 5000, 16 * 12).astype(np.uint16).reshape(12, 16)
    Picture.fromarray(grey).save(deep, "TIFF")
    for data, name in ((deep.getvalue(), "deep.tif"), (png(5), "plain.png")):
        body = {"dataset": "d", "file": upload(data, name)}
        image = client.post(f"{API}images/", body, format="multipart").json()
        shown = client.get(f"{API}images/{image['id']}/picture/")
        pixels = shown.getvalue()
        assert (shown["Content-Type"], pixels[:4]) == ("image/png", b"\x89PNG")
        assert "immutable" in shown["Cache-Control"]
        with Picture.open(BytesIO(pixels)) as picture:
            assert (picture.size, picture.mode) == ((16, 12), "RGB")
    assert pixels == png(5)


def test_a_file_that_the_store_lost_is_a_sentence(api: Api, data_dir: Any) -> None:
    image = ImageFactory()
    for path in (data_dir / "images").rglob(image.sha256):
        path.unlink()
    for route in ("file", "thumbnail"):
        assert_error(api().get(f"{API}images/{image.pk}/{route}/"), 404, "bytes_missing")


def listed(client: APIClient, query: str) -> list[int]:
    response = client.get(f"{API}images/?{query}")
    assert response.status_code == 200, response.content
    return [image["id"] for image in response.json()["results"]]


def test_images_are_filtered(api: Api) -> None:
    paper = PaperFactory(identifier="77")
    gel = ImageFactory(paper=paper, file_name="010101.png", label="BlotGel")
    bare = ImageFactory(paper=paper, file_name="010102.png")
    out = ImageFactory(paper=paper, file_name="020101.png", label="FAC", excluded=True)
    other = ImageFactory(label="FAC", file_name="990101.png")
    client = api("viewer")
    slug = paper.dataset.slug
    assert listed(client, "") == [gel.pk, bare.pk, out.pk, other.pk]
    assert listed(client, f"dataset={slug}") == [gel.pk, bare.pk, out.pk]
    assert listed(client, "paper=77") == [gel.pk, bare.pk, out.pk]
    assert listed(client, "label=Blot/Gel") == [gel.pk]
    assert listed(client, f"label=FACS&dataset={slug}") == [out.pk]
    assert listed(client, "label=none") == [bare.pk]
    assert listed(client, "state=excluded") == [out.pk]
    assert listed(client, "state=labelled") == [gel.pk, other.pk]
    assert listed(client, "q=0102") == [bare.pk]
    assert listed(client, "q=0101.") == [gel.pk, out.pk, other.pk]
    assert listed(client, "q=PNG") == [gel.pk, bare.pk, out.pk, other.pk]
    assert listed(client, "q=77&ordering=-file") == [out.pk, bare.pk, gel.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dataset=nowhere", "dataset"),
        ("label=Cat", "label"),
        ("paper=none", "paper"),
        ("split=99", "split"),
        ("split=d/none", "split"),
        ("subset=test", "subset"),
        ("split=1&subset=all", "subset"),
        ("state=lost", "state"),
        ("q=%00", "q"),
        ("ordering=colour", "ordering"),
        ("page_size=0", "page_size"),
        ("page_size=501", "page_size"),
        ("page_size=many", "page_size"),
        ("cursor=abc", "cursor"),
        ("split=99999999999999999999999999", "split"),
    ],
)
def test_a_filter_that_means_nothing_is_an_error(api: Api, query: str, field: str) -> None:
    ImageFactory()
    response = api().get(f"{API}images/?{query}")
    assert_error(response, 400, "invalid")
    assert field in response.json()["fields"]


def test_pages_lead_through_all_images_and_back(api: Api) -> None:
    paper = PaperFactory()
    other = PaperFactory(dataset=paper.dataset)
    images = [
        ImageFactory(paper=each, file_name=f"0101{n:02}.png", seed=1)
        for n in range(4)
        for each in (paper, other)
    ]
    client = api("viewer")
    for ordering in ("id", "-id", "file", "-file"):
        url: str | None = f"{API}images/?page_size=3&ordering={ordering}"
        pages = []
        while url:
            body = client.get(url).json()
            pages.append([image["id"] for image in body["results"]])
            last, url = body, body["next"]
        seen = [pk for page in pages for pk in page]
        assert sorted(seen) == [image.pk for image in images]
        assert seen == sorted(seen, reverse=ordering.startswith("-"))
        before = client.get(last["previous"]).json()
        assert [image["id"] for image in before["results"]] == pages[-2]
        first = client.get(before["previous"]).json()
        assert [image["id"] for image in first["results"]] == pages[0]
        assert first["previous"] is None
    cursor = client.get(f"{API}images/?page_size=3").json()["next"].split("cursor=")[1]
    assert_error(client.get(f"{API}images/?ordering=file&cursor={cursor}"), 400, "invalid")


def test_an_image_stored_meanwhile_moves_no_page(api: Api) -> None:
    images = [ImageFactory() for _ in range(4)]
    client = api("viewer")
    first = client.get(f"{API}images/?page_size=2&ordering=-id").json()
    ImageFactory()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [images[1].pk, images[0].pk]


def test_a_long_list_takes_few_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        ImageFactory(label="FAC")
    client = api("viewer")
    with django_assert_max_num_queries(6):
        assert len(listed(client, "page_size=500")) == 20


def test_numbers_are_numbers(api: Api) -> None:
    Image.objects.filter(pk=ImageFactory().pk).update(version=12345)
    assert b'"version":12345' in api().get(f"{API}images/").content
