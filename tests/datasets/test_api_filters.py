"""Images over REST by who labelled them, how and when, by figure and panel group."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets.labelling import correct_label, relabel_batch, undo_batch
from datasets.models import Image, Label
from tests.factories import DatasetFactory, ImageFactory, PaperFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def ask(api: Api) -> Callable[[str], list[str]]:
    """List the names of the images that a query chooses."""

    def get(query: str) -> list[str]:
        response = api("viewer").get(f"{API}images/?{query}")
        assert response.status_code == 200, response.content
        return [image["file"] for image in response.json()["results"]]

    return get


@pytest.fixture
def images(user_in_role: Callable[[str], User]) -> list[Image]:
    """An imported label, a person's, an accepted prediction, and none; two figures of one paper."""
    paper = PaperFactory(dataset=DatasetFactory(slug="d"), identifier="77")
    names = ("010101.png", "010102.png", "020101.png", "020201.png")
    made = [ImageFactory(paper=paper, file_name=name) for name in names]
    blot, fac = (paper.dataset.class_named(name) for name in ("BlotGel", "FAC"))
    annotator, curator = (user_in_role(role) for role in ("annotator", "curator"))
    for image, label, author, source in [
        (made[0], blot, None, Label.Source.IMPORTED),
        (made[1], fac, annotator, Label.Source.PERSON),
        (made[2], fac, curator, Label.Source.PREDICTION),
    ]:
        correct_label(image, label=label, excluded=False, author=author, expected_version=None, source=source)
    return made


def at(image: Image, text: str) -> None:
    """Let an image have been labelled at a moment."""
    Image.objects.filter(pk=image.pk).update(labelled_at=datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_images_are_chosen_by_who_labelled_them_and_how(
    ask: Callable[[str], list[str]], images: list[Image]
) -> None:
    assert ask("source=imported") == ["010101.png"]
    assert ask("source=person&dataset=d") == ["010102.png"]
    assert ask("source=prediction") == ["020101.png"]
    assert ask("changed_by=annotator") == ["010102.png"]
    assert ask("changed_by=curator&label=FAC&dataset=d") == ["020101.png"]


def test_a_correction_replaces_who_labelled_it_and_an_undo_says_who_undid(
    ask: Callable[[str], list[str]], images: list[Image], user_in_role: Callable[[str], User]
) -> None:
    first = images[0]
    label = first.dataset.class_named("FAC")
    batch = correct_label(
        first, label=label, excluded=False, author=user_in_role("admin"), expected_version=None
    )
    assert batch is not None
    assert ask("changed_by=admin") == ["010101.png"]
    assert ask("source=imported") == []
    undo_batch(batch, author=user_in_role("curator"))
    assert ask("source=imported") == ["010101.png"]
    assert ask("changed_by=curator") == ["010101.png", "020101.png"]


def test_images_are_chosen_by_when_they_were_labelled(
    ask: Callable[[str], list[str]], images: list[Image]
) -> None:
    for image, moment in zip(
        images, ("2026-03-01T00:00", "2026-03-01T12:30", "2026-03-02T00:00"), strict=False
    ):
        at(image, moment)
    assert ask("changed_since=2026-03-02") == ["020101.png"]
    assert ask("changed_before=2026-03-02") == ["010101.png", "010102.png"]
    assert ask("changed_since=2026-03-01T00:00:01Z&changed_before=2026-03-02") == ["010102.png"]
    assert ask("changed_since=2026-03-01T13:30:00%2B01:00") == ["010102.png", "020101.png"]
    # As a browser sends what was not escaped.
    assert ask("changed_since=2026-03-01T13:30:00+01:00") == ["010102.png", "020101.png"]


def test_lists_go_by_the_time_of_the_label(ask: Callable[[str], list[str]], images: list[Image]) -> None:
    for image, moment in zip(images, ("2026-03-03", "2026-03-01", "2026-03-03"), strict=False):
        at(image, moment)
    # An image never labelled has no place in this order.
    assert ask("ordering=changed") == ["010102.png", "010101.png", "020101.png"]
    assert ask("ordering=-changed") == ["020101.png", "010101.png", "010102.png"]


def test_pages_lead_on_among_images_labelled_at_once(api: Api) -> None:
    dataset = DatasetFactory(slug="d")
    paper = PaperFactory(dataset=dataset)
    pks = [ImageFactory(paper=paper).pk for _ in range(5)]
    relabel_batch(
        Image.objects.filter(dataset=dataset), dataset=dataset, label=None, excluded=True, author=None
    )
    url, seen = f"{API}images/?ordering=-changed&page_size=2", []
    while url:
        body = api("viewer").get(url).json()
        seen += [image["id"] for image in body["results"]]
        url = body["next"]
    assert seen == pks[::-1]


def test_images_are_chosen_by_figure_and_panel_group(
    ask: Callable[[str], list[str]], images: list[Image]
) -> None:
    ImageFactory(paper=PaperFactory(dataset=images[0].dataset), file_name="010103.png")
    assert ask("figure=02&dataset=d") == ["020101.png", "020201.png"]
    assert ask("figure=2") == ["020101.png", "020201.png"]
    assert ask("paper=77&panel_group=0101") == ["010101.png", "010102.png"]
    assert ask("paper=77&panel_group=0909") == []


def test_mixed_panel_groups_are_found_and_left(ask: Callable[[str], list[str]], images: list[Image]) -> None:
    assert ask("mixed=true") == ["010101.png", "010102.png"]
    assert ask("mixed=false&dataset=d") == ["020101.png", "020201.png"]
    second = images[1]
    label = second.dataset.class_named("BlotGel")
    correct_label(second, label=label, excluded=False, author=None, expected_version=None)
    assert ask("mixed=true") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("source=upstream", "source"),
        ("figure=x", "figure"),
        ("figure=123", "figure"),
        ("panel_group=0101", "panel_group"),
        ("paper=77&panel_group=01", "panel_group"),
        ("changed_by=nobody", "changed_by"),
        ("changed_since=yesterday", "changed_since"),
        ("changed_since=2026-02-30", "changed_since"),
        ("changed_before=9999-12-31T23:59:59-12:00", "changed_before"),
        ("mixed=perhaps", "mixed"),
        ("ordering=newest", "ordering"),
    ],
)
def test_a_value_that_means_nothing_is_an_error(
    api: Api, images: list[Image], query: str, field: str
) -> None:
    for route in ("images/", "images/facets/") if field != "ordering" else ("images/",):
        response = api("viewer").get(f"{API}{route}?{query}")
        assert_error(response, 400, "invalid")
        assert field in response.json()["fields"]


def test_these_filters_choose_what_is_relabelled(api: Api, images: list[Image]) -> None:
    body: dict[str, Any] = {
        "filter": {"dataset": "d", "changed_by": "annotator", "mixed": True},
        "as_of": datetime.now(UTC).isoformat(),
        "label": "BlotGel",
    }
    assert api("curator").post(f"{API}relabel/", body, format="json").json()["changed"] == 1
