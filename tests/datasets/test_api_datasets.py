"""Datasets, splits and exports over REST."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from datasets.exporting import export_imagefolder
from datasets.labelling import correct_label
from datasets.models import Dataset, Split
from datasets.splitting import make_split
from datasets.store import path_of
from tests.datasets.folders import files_in
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, UserFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def dataset() -> Dataset:
    """Ten papers of two labelled images each, and one image excluded, one unlabelled."""
    made = DatasetFactory(slug="d")
    for _ in range(10):
        paper = PaperFactory(dataset=made)
        ImageFactory(paper=paper, label="BlotGel")
        ImageFactory(paper=paper, label="Microscopy")
    out = ImageFactory(paper=paper, label="FAC")
    correct_label(out, label=out.label, excluded=True, author=None, expected_version=1)
    ImageFactory(paper=paper)
    return made


def test_a_dataset_shows_its_classes_and_counts(api: Api, dataset: Dataset) -> None:
    for body in (
        api("viewer").get(f"{API}datasets/d/").json(),
        api("viewer").get(f"{API}datasets/").json()["results"][0],
    ):
        assert body["counts"] == {"labelled": 20, "unlabelled": 1, "excluded": 1, "total": 22}
        counted = {each["name"]: each["count"] for each in body["classes"]}
        assert counted == {"BlotGel": 10, "FAC": 0, "Macroscopy": 0, "Microscopy": 10, "Noneoftheabove": 0}
        assert body["classes"][0]["aliases"] == ["Blot/Gel"]


def test_only_images_that_a_person_may_see_are_counted(dataset: Dataset) -> None:
    person = UserFactory()
    person.user_permissions.add(Permission.objects.get(codename="view_dataset"))
    client = APIClient()
    client.force_authenticate(person)
    body = client.get(f"{API}datasets/d/").json()
    assert body["counts"] == {"labelled": 0, "unlabelled": 0, "excluded": 0, "total": 0}
    assert {each["count"] for each in body["classes"]} == {0}


def test_a_dataset_is_made_and_renamed(api: Api) -> None:
    client = api("curator")
    made = client.post(f"{API}datasets/", {"slug": "new", "description": "d"}, format="json")
    assert made.status_code == 201
    assert (made.json()["name"], len(made.json()["classes"]), made.json()["created_by"]) == (
        "new",
        5,
        "curator",
    )
    changed = client.patch(f"{API}datasets/new/", {"name": "New one"}, format="json")
    assert (changed.status_code, changed.json()["name"]) == (200, "New one")
    assert_error(client.post(f"{API}datasets/", {"slug": "new"}, format="json"), 400, "invalid")
    assert_error(client.post(f"{API}datasets/", {"slug": "a b/.."}, format="json"), 400, "invalid")
    assert_error(client.patch(f"{API}datasets/new/", {"slug": "old"}, format="json"), 400, "invalid")
    assert_error(client.patch(f"{API}datasets/new/", [1], format="json"), 400, "invalid")
    assert_error(client.get(f"{API}datasets/old/"), 404, "not_found")
    assert_error(client.delete(f"{API}datasets/new/"), 405, "method_not_allowed")


def test_many_datasets_take_few_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        ImageFactory(label="FAC")
    client = api("viewer")
    with django_assert_max_num_queries(10):
        assert len(client.get(f"{API}datasets/").json()["results"]) == 5


def test_a_split_is_made_and_shown(api: Api, dataset: Dataset) -> None:
    body = {"dataset": "d", "name": "s1", "ratios": "60:20:20", "seed": 3}
    made = api("curator").post(f"{API}splits/", body, format="json")
    assert made.status_code == 201
    split = made.json()
    assert (split["full_name"], split["by"], split["seed"], split["ratios"]) == (
        "d/s1",
        "paper",
        3,
        [60, 20, 20],
    )
    assert split["counts"]["images"] == {"train": 12, "val": 4, "test": 4}
    assert (split["leaks"], split["leak_report"]["shared_papers"]) == (False, 0)
    client = api("viewer")
    assert client.get(f"{API}splits/{split['id']}/").json() == split
    assert [each["id"] for each in client.get(f"{API}splits/?dataset=d").json()["results"]] == [split["id"]]
    for name in (split["id"], "d/s1", "s1"):
        images = client.get(f"{API}images/?split={name}&subset=test").json()["results"]
        assert len(images) == 4


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ratios": "1:2"}, 400, "bad_ratios"),
        ({"ratios": [1, 2]}, 400, "bad_ratios"),
        ({"ratios": {"train": 1}}, 400, "invalid"),
        ({"ratios": [[1], 2, 3]}, 400, "invalid"),
        ({"ratios": [10**4000, 1, 1]}, 400, "bad_ratios"),
        ({"ratios": f"{10**4000}:1:1"}, 400, "bad_ratios"),
        ({"by": "author"}, 400, "invalid"),
        ({"seed": -1}, 400, "invalid"),
        ({"name": "a b"}, 400, "bad_name"),
        ({"name": None}, 400, "invalid"),
        ({"dataset": "nowhere"}, 404, "unknown_dataset"),
        ({"official": {"train": ["1"]}}, 400, "not_a_split_file"),
        ({"official": {"train": ["x"], "test": ["y"]}}, 400, "unknown_paper"),
    ],
)
def test_a_split_that_cannot_be_says_why(
    api: Api, dataset: Dataset, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"dataset": "d", "name": "s1", "ratios": "60:20:20", **change}
    assert_error(api().post(f"{API}splits/", body, format="json"), status, code)
    assert not Split.objects.exists()


def test_a_split_of_nothing_or_of_a_taken_name_is_refused(api: Api, dataset: Dataset) -> None:
    client = api()
    DatasetFactory(slug="bare")
    bare = {"dataset": "bare", "name": "s1"}
    assert_error(client.post(f"{API}splits/", bare, format="json"), 400, "empty_dataset")
    taken = {"dataset": "d", "name": "s1"}
    assert client.post(f"{API}splits/", taken, format="json").status_code == 201
    assert_error(client.post(f"{API}splits/", taken, format="json"), 409, "name_taken")


def test_labels_are_exported_as_they_came(api: Api, dataset: Dataset) -> None:
    response = api("viewer").get(f"{API}exports/d/?as=biofors")
    assert response["Content-Disposition"] == 'attachment; filename="classification.json"'
    labels = json.loads(response.content)
    assert len(labels) == 10
    assert sorted(label for paper in labels.values() for label in paper.values())[:10] == ["Blot/Gel"] * 10


def test_images_are_exported_in_class_folders(api: Api, dataset: Dataset, data_dir: Any) -> None:
    response = api("viewer").get(f"{API}exports/d/?as=imagefolder")
    assert response["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        folders = [name.split("/")[0] for name in archive.namelist()]
    assert (folders.count("BlotGel"), folders.count("Microscopy"), len(folders)) == (10, 10, 21)


def test_a_zip_is_sent_out_of_the_store_and_nothing_is_copied_before(
    api: Api, dataset: Dataset, data_dir: Any, tmp_path: Any
) -> None:
    export_imagefolder(dataset, output=tmp_path / "out")
    before = set(data_dir.rglob("*"))
    response = api("viewer").get(f"{API}exports/d/?as=imagefolder")
    first = next(iter(response.streaming_content))
    assert set(data_dir.rglob("*")) == before
    with zipfile.ZipFile(io.BytesIO(first + response.getvalue())) as archive:
        sent = {name: archive.read(name) for name in archive.namelist()}
    assert sent == {name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")}


def test_a_zip_is_refused_before_it_begins_where_the_store_lost_a_file(api: Api, dataset: Dataset) -> None:
    path_of(dataset.images.labelled().last().sha256).unlink()
    assert_error(api("viewer").get(f"{API}exports/d/?as=imagefolder"), 404, "bytes_missing")


def test_a_file_named_as_a_paper_is_comes_in_a_zip_too(api: Api) -> None:
    paper = PaperFactory(identifier="x.png", dataset=DatasetFactory(slug="d"))
    ImageFactory(paper=paper, file_name="b.png", label="FAC")
    loose = ImageFactory(paper=None, dataset=paper.dataset, file_name="x.png", label="FAC")
    response = api("viewer").get(f"{API}exports/d/?as=imagefolder")
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.namelist() == [f"FAC/image-{loose.pk}/x.png", "FAC/x.png/b.png"]


def test_one_row_is_found_whatever_filters_the_address_holds(api: Api, dataset: Dataset) -> None:
    split = make_split(dataset, name="s1")
    client = api("viewer")
    for query in ("name=zz", "dataset=nowhere"):
        assert client.get(f"{API}splits/{split.pk}/?{query}").json()["name"] == "s1"
    assert client.get(f"{API}splits/?name=zz").json()["results"] == []
    assert_error(client.get(f"{API}splits/?dataset=nowhere"), 400, "invalid")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("d/?as=csv", 400, "invalid"), ("d/?split=1", 400, "invalid"), ("e/", 404, "unknown_dataset")],
)
def test_an_export_that_cannot_be_says_why(
    api: Api, dataset: Dataset, query: str, status: int, code: str
) -> None:
    assert_error(api().get(f"{API}exports/{query}"), status, code)


def test_an_empty_dataset_is_not_exported(api: Api, data_dir: Any) -> None:
    DatasetFactory(slug="bare")
    for shape in ("biofors", "imagefolder"):
        assert_error(api().get(f"{API}exports/bare/?as={shape}"), 400, "empty_dataset")
    assert list((data_dir / "scratch").iterdir()) == []
