"""The workbench and the image page: what an address shows."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.evaluation import evaluate
from datasets.labelling import correct_label
from datasets.models import Image
from datasets.models.label_class import WORKBENCH_LETTERS
from tests.factories import ImageFactory, PaperFactory
from tests.factories_models import (
    ModelVersionFactory,
    PredictionFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(client: Client, user_in_role: Callable[[str], User]) -> Callable[..., Any]:
    """Open an address in a role; return the response."""

    def get(address: str, role: str = "annotator") -> Any:
        client.force_login(user_in_role(role))
        return client.get(address, follow=True)

    return get


def setup_of(answer: Any, name: str = "bench-setup") -> dict[str, Any]:
    """What the page hands to its script."""
    text = answer.content.decode().split(f'<script id="{name}" type="application/json">')[1]
    read: dict[str, Any] = json.loads(text.split("</script>")[0])
    return read


def test_the_grid_counts_what_the_filters_choose_and_lists_it_over_rest(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=3)
    answer = visit("/workbench/?dataset=panels&label=BlotGel&paper=1")
    assert answer.context["count"] == 2
    source = setup_of(answer)["source"]
    listed = answer.client.get(source).json()["results"]
    assert {(each["paper"], each["label"]) for each in listed} == {("1", "BlotGel")}
    assert len(listed) == 2
    assert dataset.images.count() == answer.context["total"]


def test_the_count_goes_by_the_model_that_is_named_not_by_the_champion(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=3)
    champion, other = ModelVersionFactory(), ModelVersionFactory()
    predict_all(champion, dataset.images.all())
    predict_all(other, dataset.images.all(), wrong=3)
    promote(champion, reason="best")
    for named, differing in ((champion, 0), (other, 3), ("champion", 0)):
        answer = visit(f"/workbench/?dataset=panels&model={named}&disagrees=true")
        assert answer.context["count"] == differing
        assert len(answer.client.get(setup_of(answer)["source"]).json()["results"]) == differing


def test_a_wrong_filter_is_said_and_nothing_is_shown(visit: Callable[..., Any]) -> None:
    labelled_dataset(slug="panels")
    answer = visit("/workbench/?dataset=panels&label=Cat")
    assert answer.status_code == 200
    assert answer.context["count"] == 0
    assert "There is no class &#x27;Cat&#x27;" in answer.content.decode()


def test_filters_that_choose_nothing_say_so_and_can_be_cleared(visit: Callable[..., Any]) -> None:
    labelled_dataset(slug="panels")
    page = visit("/workbench/?dataset=panels&q=nosuchfile").content.decode()
    assert "No image matches" in page
    assert 'href="?dataset=panels"' in page


def test_only_who_may_label_gets_the_buttons_to(visit: Callable[..., Any]) -> None:
    labelled_dataset(slug="panels")
    assert 'data-label="FAC"' in visit("/workbench/?dataset=panels").content.decode()
    answer = visit("/workbench/?dataset=panels", role="viewer")
    assert 'data-label="FAC"' not in answer.content.decode()
    assert setup_of(answer)["mayLabel"] is False


def test_images_are_chosen_by_what_a_model_said(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=1)
    version = ModelVersionFactory()
    image = dataset.images.order_by("pk").first()
    PredictionFactory(version=version, image=image, predicted="Macroscopy")
    answer = visit(f"/workbench/?dataset=panels&model={version}&predicted=Macroscopy")
    assert answer.context["count"] == 1
    (listed,) = answer.client.get(setup_of(answer)["source"]).json()["results"]
    assert listed["prediction"] == {"label": "Macroscopy", "confidence": 0.9}


def test_a_cell_of_a_matrix_shows_its_images_even_after_one_was_relabelled(visit: Callable[..., Any]) -> None:
    split = split_of(labelled_dataset(slug="panels"))
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluation = evaluate(version, split=split)
    wrong = images_in(split, "test").order_by("pk").first()
    assert wrong.label.name == "BlotGel"
    correct_label(
        wrong, label=split.dataset.class_named("FAC"), excluded=False, author=None, expected_version=None
    )
    address = f"/workbench/?evaluation={evaluation.pk}&actual=BlotGel&predicted=FAC"
    answer = visit(address)
    assert answer.context["count"] == evaluation.matrix[0][1] == 1
    (listed,) = answer.client.get(setup_of(answer)["source"]).json()["results"]
    assert (listed["id"], listed["label_then"], listed["label"]) == (wrong.pk, "BlotGel", "FAC")
    assert "this evaluation keeps the labels it was scored on" in answer.content.decode()


def test_an_unknown_evaluation_is_said_in_words(visit: Callable[..., Any]) -> None:
    labelled_dataset(slug="panels")
    answer = visit("/workbench/?dataset=panels&evaluation=99")
    assert answer.status_code == 404
    assert "There is no evaluation" in answer.content.decode()


def test_the_image_page_shows_history_siblings_and_predictions(
    visit: Callable[..., Any],
) -> None:
    paper = PaperFactory(identifier="77", dataset__slug="panels")
    image = ImageFactory(paper=paper, file_name="010203.png", label="BlotGel")
    sibling = ImageFactory(paper=paper, file_name="010204.png", label="FAC")
    ImageFactory(paper=paper, file_name="010301.png", label="FAC")
    PredictionFactory(image=image, predicted="FAC", confidence=0.6)
    correct_label(
        image,
        label=paper.dataset.class_named("Microscopy"),
        excluded=False,
        author=None,
        reason="cells are seen",
        expected_version=None,
    )
    answer = visit(f"/images/{image.pk}/")
    page = answer.content.decode()
    assert [each.pk for each in answer.context["siblings"]] == [sibling.pk]
    assert page.index("Microscopy</span>") < page.index("cells are seen")
    assert [row.version for row in answer.context["history"]] == [2, 1]
    assert "≠ label" in page
    assert "60 %" in page
    assert setup_of(answer, "image-setup") == {
        "id": image.pk,
        "version": 2,
        "label": "Microscopy",
        "excluded": False,
    }


def test_previous_and_next_stay_within_the_choice_that_was_opened(
    visit: Callable[..., Any],
) -> None:
    dataset = labelled_dataset(slug="panels", papers=2)
    blots = list(dataset.images.filter(label__name="BlotGel").order_by("pk").values_list("pk", flat=True))
    answer = visit(f"/images/{blots[1]}/?dataset=panels&label=BlotGel")
    assert answer.context["before"] == f"/images/{blots[0]}/?dataset=panels&label=BlotGel"
    assert answer.context["after"] == f"/images/{blots[2]}/?dataset=panels&label=BlotGel"
    assert visit(f"/images/{blots[0]}/?dataset=panels&label=BlotGel").context["before"] == ""


def test_previous_and_next_follow_the_order_of_the_grid(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=1)
    version = ModelVersionFactory()
    pks = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    for pk, confidence in zip(pks, (0.9, 0.3, 0.6, 0.3), strict=True):
        PredictionFactory(version=version, image_id=pk, confidence=confidence)
    query = f"dataset=panels&model={version}&ordering=confidence"
    answer = visit(f"/images/{pks[3]}/?{query}")
    assert answer.context["before"].startswith(f"/images/{pks[1]}/?")
    assert answer.context["after"].startswith(f"/images/{pks[2]}/?")
    assert "ordering=confidence" in answer.context["after"]
    assert "ordering=confidence" in answer.context["back"]


def test_an_order_that_needs_a_model_says_so(visit: Callable[..., Any]) -> None:
    labelled_dataset(slug="panels")
    page = visit("/workbench/?dataset=panels&ordering=confidence").content.decode()
    assert "Choose the model whose confidence orders the images." in page


def test_the_champion_is_shown_first_however_many_models_spoke(visit: Callable[..., Any]) -> None:
    image = ImageFactory()
    versions = [ModelVersionFactory() for _ in range(9)]
    for version in versions:
        PredictionFactory(version=version, image=image)
    promote(versions[0], reason="it was the first")
    opinions = visit(f"/images/{image.pk}/").context["opinions"]
    shown = [opinion["prediction"].version for opinion in opinions]
    assert shown == [versions[0], *reversed(versions[4:])]
    assert [opinion["champion"] for opinion in opinions] == [True] + [False] * 5


def test_pages_take_no_more_queries_where_there_are_many_rows(
    visit: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    dataset = labelled_dataset(slug="panels")
    for number in range(20):
        split_of(dataset, name=f"s{number}")
    visit("/workbench/?dataset=panels")
    with django_assert_max_num_queries(40):
        assert visit("/workbench/?dataset=panels").status_code == 200


def test_opening_pages_changes_no_label(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=1)
    before = list(Image.objects.values_list("pk", "label", "version"))
    image = dataset.images.first()
    assert image is not None
    for address in ("/", "/workbench/", f"/images/{image.pk}/"):
        assert visit(address).status_code == 200
    assert list(Image.objects.values_list("pk", "label", "version")) == before


def test_every_letter_that_the_workbench_uses_is_kept_from_the_classes() -> None:
    script = (settings.BASE_DIR / "static/js/workbench/keys.js").read_text()
    used = set(re.findall(r'[{ ]([A-Za-z]): "', script)) | set(re.findall(r'key === "([A-Za-z])"', script))
    assert {"h", "j", "k", "l", "x", "U"} <= used
    assert {letter.lower() for letter in used} <= WORKBENCH_LETTERS.keys()


def test_a_class_is_shown_with_its_letter_beside_its_digit(visit: Callable[..., Any]) -> None:
    dataset = labelled_dataset(slug="panels", papers=1)
    dataset.classes.filter(name="FAC").update(letter="f")
    answer = visit("/workbench/?dataset=panels")
    page = answer.content.decode()
    assert "Label as FAC (key 2 or f)" in page and page.count("<kbd>2 · f</kbd>") == 2
    assert "Label as BlotGel (key 1)" in page and page.count("<kbd>1</kbd>") == 2
    assert setup_of(answer, "bench-classes")["FAC"]["letter"] == "f"
    listed = answer.client.get("/api/v1/datasets/panels/").json()["classes"]
    assert [(each["hotkey"], each["letter"]) for each in listed[:2]] == [("1", ""), ("2", "f")]
