"""The page that says where a model errs."""

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.evaluation import evaluate
from classifier.models import ModelVersion
from datasets.models import Image, SavedView
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db
Show = Callable[..., str]


@pytest.fixture
def show(client: Client, user_in_role: Callable[[str], User]) -> Show:
    """Open the page of a version as a viewer."""
    client.force_login(user_in_role("viewer"))

    def open_page(version: ModelVersion, query: str = "", *, status: int = 200) -> str:
        answer = client.get(f"/models/{version.pk}/errors/{query}")
        assert answer.status_code == status
        return html.unescape(answer.content.decode())

    return open_page


@pytest.fixture
def version() -> ModelVersion:
    """A version that has the first five of forty images wrong."""
    split = split_of(labelled_dataset(slug="panels", papers=12), name="fair", ratios="1:1:10")
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=5)
    evaluate(version, split=split)
    return version


def test_curves_papers_and_parts_are_told(show: Show, version: ModelVersion) -> None:
    page = show(version)
    assert "40 images of 10 papers" in page
    assert page.count("<polyline") == 4
    assert "no image" in page
    first = images_in(version.split, "test").order_by("pk")[0]
    worst = page.split("Worst papers", 1)[1].split("</section>", 1)[0]
    rows = re.findall(r'<a href="([^"]+)">([^<]+)</a></th><td class="num strong">(\d+)</td>', worst)
    assert next((name, wrong) for _, name, wrong in rows) == (first.paper.identifier, "4")
    assert f"paper={first.paper.identifier}" in rows[0][0]
    assert "disagrees=true" in rows[0][0]
    for part in ("Longest side", "Shape", "Source of the label", "Labelled", "By saved view"):
        assert f"<h2>{part}</h2>" in page
    assert "Save a filter in the" in page


def test_the_link_of_a_paper_shows_its_wrong_images(
    show: Show, version: ModelVersion, client: Client
) -> None:
    link = re.search(r'<th scope="row"><a href="([^"]+)"', show(version))
    assert link is not None
    assert "<b>4</b> of 48 image" in html.unescape(client.get(link[1]).content.decode())


def test_a_saved_view_is_scored_on_its_own(
    show: Show, version: ModelVersion, user_in_role: Callable[[str], User]
) -> None:
    dataset, owner = version.split.dataset, user_in_role("annotator")
    SavedView.objects.create(
        dataset=dataset, owner=owner, name="gels", query={"label": "BlotGel"}, shared=True
    )
    SavedView.objects.create(dataset=dataset, owner=owner, name="blank", query={"label": "none"}, shared=True)
    SavedView.objects.create(dataset=dataset, owner=owner, name="secret", query={})
    page = show(version)
    row = page.split('<th scope="row">gels</th>', 1)[1].split("</tr>", 1)[0]
    wrong = [
        image
        for image in images_in(version.split, "test").order_by("pk")[:5]
        if image.label.name == "BlotGel"
    ]
    assert f'<td class="num strong">{len(wrong)}</td><td class="num nowrap">20' in row
    assert "none of these images is in it" in page.split('<th scope="row">blank</th>', 1)[1]
    assert "secret" not in page


def test_without_an_evaluation_the_page_says_what_it_is_for(show: Show) -> None:
    page = show(ModelVersionFactory())
    assert "has not been scored yet" in page
    assert "#evaluate" in page


def test_a_strange_evaluation_is_not_found(show: Show, version: ModelVersion) -> None:
    assert "has no evaluation" in show(version, "?evaluation=99", status=404)
    assert Image.objects.count() == 48
