"""The pages of models: the table of versions, one version with its scores, its matrix and its recipe."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.evaluation import evaluate
from classifier.models import Evaluation, ModelVersion
from datasets.labelling import correct_label
from datasets.models import Image, Split
from datasets.splitting import make_split
from tests.factories_models import (
    CLASSES,
    ModelVersionFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]
# The test subset holds one paper: four images of each of two classes.
ONE_WRONG = "1 of 4 images labelled BlotGel was taken for FAC"


@pytest.fixture
def signed(client: Client, user_in_role: Callable[[str], User]) -> Signed:
    """Sign in as a role."""

    def sign_in(role: str = "curator") -> Client:
        client.force_login(user_in_role(role))
        return client

    return sign_in


@pytest.fixture
def split() -> Split:
    """A split by paper: six papers of eight images, four of each of two classes."""
    return split_of(labelled_dataset(slug="panels", per_paper=8), name="fair", ratios="4:1:1")


def evaluated(split: Split, *, subset: str = "test", wrong: int = 1, **fields: Any) -> ModelVersion:
    """A version with an evaluation, `wrong` images of it wrong."""
    version = ModelVersionFactory(split=split, training_images=32, **fields)
    predict_all(version, images_in(split, subset), wrong=wrong)
    evaluate(version, split=split, subset=subset)
    return version


def leaking() -> Split:
    """A split of images, so that papers stand in two subsets."""
    dataset = labelled_dataset(slug="leaky", papers=3, per_paper=8)
    return make_split(dataset, name="leaky", ratios="2:1:1", by="image")


def shown(client: Client, address: str, *, status: int = 200) -> str:
    """The page at an address, as text with its tags."""
    response = client.get(address)
    assert response.status_code == status, response.content[:400]
    return html.unescape(response.content.decode())


def test_without_models_the_list_leads_to_training(signed: Signed) -> None:
    page = shown(signed(), "/models/")
    assert "No model yet" in page
    assert '<a class="button primary" href="/training/new/">' in page


def test_the_list_shows_scores_leaks_and_the_champion_in_few_queries(
    signed: Signed, split: Split, django_assert_max_num_queries: Any
) -> None:
    fair = evaluated(split, name="fair")
    bad = leaking()
    leaky = evaluated(bad, name="leaky", wrong=0)
    unscored = ModelVersionFactory(name="new", split=split)
    promote(fair, reason="the only fair one")
    client = signed("viewer")
    with django_assert_max_num_queries(30):
        page = shown(client, "/models/")
    order = [page.index(f">{version}</a>", page.index("<tbody>")) for version in (unscored, leaky, fair)]
    assert order == sorted(order)
    rows = {version.pk: _row(page, version) for version in (fair, leaky, unscored)}
    evaluation = Evaluation.objects.get(version=fair)
    assert f"{evaluation.macro_f1:.3f}" in rows[fair.pk]
    assert "champion" in rows[fair.pk]
    assert ">leaks<" not in rows[fair.pk]
    assert ">leaks<" in rows[leaky.pk]
    assert "1.000" in rows[leaky.pk]
    assert "0.000" not in rows[unscored.pk]
    assert "the only fair one" in page


def _row(page: str, version: ModelVersion) -> str:
    """The row of a version in the table."""
    return next(row for row in page.split("<tr>") if f'name="models" value="{version.pk}"' in row)


def test_the_list_is_filtered_by_name_architecture_and_split(signed: Signed, split: Split) -> None:
    ModelVersionFactory(name="one", split=split)
    ModelVersionFactory(name="two", architecture="resnet50")
    client = signed("viewer")
    for query, there, gone in (
        ("name=one", "one@", "two@"),
        ("architecture=resnet50", "two@", "one@"),
        (f"split={split.pk}", "one@", "two@"),
    ):
        page = shown(client, f"/models/?{query}")
        assert there in page
        assert gone not in page
    for nonsense in ("split=abc", "split=999999999999999999999", "name=%00", "architecture=%00"):
        assert "No version matches" in shown(client, f"/models/?{nonsense}")


def test_a_long_list_has_pages_that_keep_the_filter(signed: Signed) -> None:
    for _ in range(101):
        ModelVersionFactory(name="many")
    page = shown(signed("viewer"), "/models/?name=many")
    assert 'href="?page=2&name=many"' in page
    assert "Page 2 of 2" in shown(signed("viewer"), "/models/?page=2&name=many")


def test_the_matrix_shows_counts_shares_and_links_to_the_images(signed: Signed, split: Split) -> None:
    version = evaluated(split)
    evaluation = Evaluation.objects.get()
    page = shown(signed("viewer"), f"/models/{version.pk}/")
    assert f"<b>{evaluation.macro_f1:.3f}</b><span>macro-F1" in page
    cell = re.search(rf'<a href="([^"]+)" title="{ONE_WRONG}" aria-label="{ONE_WRONG}"><b>25%</b>', page)
    assert cell is not None
    assert cell[1] == f"/workbench/?evaluation={evaluation.pk}&actual=BlotGel&predicted=FAC&dataset=panels"
    assert "3 of 4 images labelled BlotGel were recognised" in page
    assert f'href="{cell[1]}" title="{ONE_WRONG}">BlotGel taken for FAC</a>' in page


def test_a_cell_opens_the_images_it_counts(signed: Signed, split: Split) -> None:
    version = evaluated(split)
    page = shown(signed("viewer"), f"/models/{version.pk}/")
    link = re.search(rf'<a href="([^"]+)" title="{ONE_WRONG}" aria', page)
    assert link is not None
    bench = shown(signed("viewer"), link[1])
    assert "<b>1</b> image" in bench


def test_a_class_without_support_has_an_empty_row_that_says_so(signed: Signed, split: Split) -> None:
    version = evaluated(split)
    page = shown(signed("viewer"), f"/models/{version.pk}/")
    assert page.count("No image of this class among those scored") == len(CLASSES) - 2


def test_scores_of_a_leaking_split_come_with_a_warning(signed: Signed, split: Split) -> None:
    fair, leaky = evaluated(split), evaluated(leaking())
    client = signed("viewer")
    warning = "Scores will be too good."
    assert warning in shown(client, f"/models/{leaky.pk}/")
    assert warning not in shown(client, f"/models/{fair.pk}/")


def test_scores_on_images_the_version_was_trained_on_come_with_a_warning(
    signed: Signed, split: Split
) -> None:
    version = evaluated(split, subset="train")
    other = split_of(split.dataset, name="other", ratios="1:1:4")
    predict_all(version, images_in(other, "test").exclude(pk__in=images_in(split, "train")), wrong=1)
    there = evaluate(version, split=other, subset="test")
    client = signed("viewer")
    assert f"{version} was trained on 32 of these 32 images" in shown(client, f"/models/{version.pk}/")
    seen = images_in(other, "test").filter(pk__in=images_in(split, "train")).count()
    page = shown(client, f"/models/{version.pk}/?evaluation={there.pk}")
    assert seen
    assert f"{version} was trained on {seen} of these 32 images" in page


def test_scores_on_the_validation_subset_are_said_to_be_chosen_on(signed: Signed, split: Split) -> None:
    version = evaluated(split, subset="val")
    assert f"The best epoch of {version} was chosen on these images" in shown(
        signed("viewer"), f"/models/{version.pk}/"
    )


def test_of_several_evaluations_the_newest_of_its_own_test_subset_is_shown(
    signed: Signed, split: Split
) -> None:
    version = evaluated(split)
    predict_all(version, images_in(split, "val"), wrong=8)
    validation = evaluate(version, split=split, subset="val")
    client = signed("viewer")
    assert ONE_WRONG in shown(client, f"/models/{version.pk}/")
    page = shown(client, f"/models/{version.pk}/?evaluation={validation.pk}")
    assert "4 of 4 images labelled BlotGel were taken for FAC" in page
    assert ONE_WRONG not in page
    other = evaluated(split)
    strange = Evaluation.objects.get(version=other).pk
    assert "has no evaluation" in shown(client, f"/models/{version.pk}/?evaluation={strange}", status=404)


def test_a_version_without_scores_offers_to_make_some(signed: Signed, split: Split) -> None:
    version = ModelVersionFactory(split=split)
    page = shown(signed(), f"/models/{version.pk}/")
    assert "has not been scored yet" in page
    assert '<form method="post" action="/classify/datasets/"' in page
    assert '<input type="hidden" name="kind" value="evaluation">' in page
    assert '<form method="post" action="/classify/datasets/"' not in shown(
        signed("viewer"), f"/models/{version.pk}/"
    )


def test_only_splits_whose_classes_the_version_knows_are_offered(signed: Signed, split: Split) -> None:
    labelled_dataset(slug="wider").classes.create(
        name="Map", short="P", aliases=[], colour="#000000", hotkey="9", position=9
    )
    split_of(Image.objects.filter(dataset__slug="wider")[0].dataset, name="wide")
    page = shown(signed(), f"/models/{ModelVersionFactory(split=split).pk}/")
    assert '<option value="panels/fair"' in page
    assert "wider/wide" not in page


def test_the_recipe_names_the_run_and_hides_where_weights_lay(signed: Signed, split: Split) -> None:
    config = {"architecture": "resnet50", "weights": "/srv/secret/place/weights.h5"}
    version = ModelVersionFactory(split=split, config=config, architecture="resnet50")
    (version.onnx_path.parent / "recipe.json").write_text(json.dumps({"training_run": 7}))
    page = shown(signed("viewer"), f"/models/{version.pk}/")
    assert 'href="/training/7/"' in page
    assert "secret" not in page
    for file_format in ("keras", "onnx"):
        link = f"/api/v1/models/{version.pk}/download/?format={file_format}"
        assert f'href="{link}"' in page
        assert signed("viewer").get(link).status_code == 200


@pytest.mark.parametrize("recipe", ["no json", "[]", '{"training_run": "1/../2"}'])
def test_a_recipe_that_names_no_run_is_no_obstacle(signed: Signed, recipe: str) -> None:
    version = ModelVersionFactory()
    (version.onnx_path.parent / "recipe.json").write_text(recipe)
    assert ">Training run " not in shown(signed("viewer"), f"/models/{version.pk}/")


def test_a_version_that_is_not_there_is_not_found(signed: Signed) -> None:
    assert signed("viewer").get("/models/999/").status_code == 404


@pytest.mark.parametrize(("file_format", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_matrix_is_downloaded_as_a_picture(
    signed: Signed, split: Split, file_format: str, begins: bytes
) -> None:
    version = evaluated(split)
    response = signed("viewer").get(f"/models/{version.pk}/matrix.{file_format}")
    assert response.content.startswith(begins)
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="panels-{version.version}-fair-test.{file_format}"'
    )


def test_without_an_evaluation_there_is_no_picture(signed: Signed) -> None:
    version = ModelVersionFactory()
    page = shown(signed("viewer"), f"/models/{version.pk}/matrix.svg", status=404)
    assert "has not been evaluated yet" in page


def test_a_stale_evaluation_says_so_and_is_scored_again_at_one_click(signed: Signed, split: Split) -> None:
    version = evaluated(split)
    first = Evaluation.objects.get()
    client = signed("curator")
    assert "Stale" not in shown(client, f"/models/{version.pk}/")
    image = images_in(split, "test")[0]
    other = next(each for each in image.dataset.classes.all() if each != image.label)
    correct_label(image, label=other, excluded=False, author=None, expected_version=image.version)
    assert "Stale: 1 label changed since." in shown(client, f"/models/{version.pk}/")
    again = f"/models/{version.pk}/evaluations/{first.pk}/again/"
    assert again in shown(client, f"/models/{version.pk}/")
    page = client.post(again, follow=True).content.decode()
    second = Evaluation.objects.order_by("-pk")[0]
    assert second != first
    assert "As labels were corrected" in page
    assert f"{first.macro_f1:.3f}" in page
    assert f"<b>{second.macro_f1:.3f}</b><span>macro-F1" in page
    assert client.post(f"/models/{version.pk}/evaluations/{second.pk}/again/").status_code == 409
    assert signed("viewer").post(again).status_code == 403


def test_the_matrix_is_shown_by_columns_by_counts_and_in_another_order(signed: Signed, split: Split) -> None:
    version = evaluated(split)
    client = signed("viewer")
    by_column = shown(client, f"/models/{version.pk}/?shares=column")
    assert "1 of 1 image taken for FAC is labelled BlotGel" in by_column
    counts = shown(client, f"/models/{version.pk}/?shares=counts")
    assert "<b>1</b><small>25%</small>" in counts
    rows = re.findall(r'<th scope="row"><span class="chip[^>]*><b>\w</b>(\w+)', counts)
    assert rows[:2] == ["BlotGel", "FAC"]
    worst = shown(client, f"/models/{version.pk}/?order=errors&shares=nonsense")
    assert "<b>25%</b><small>1</small>" in worst
    saved = client.get(f"/models/{version.pk}/matrix.csv")
    assert saved["Content-Type"] == "text/csv"
    lines = saved.content.decode().splitlines()
    assert lines[1].split(",")[:3] == ["BlotGel", "3", "1"]
    assert lines[-1].split(",")[-1] == "8"


def test_a_class_leads_to_its_wrong_images_the_surest_first(signed: Signed, split: Split) -> None:
    version = evaluated(split, wrong=3)
    said = version.predictions.filter(disagrees=True).order_by("pk")
    for place, prediction in enumerate(said):
        prediction.confidence = 0.5 + place / 10
        prediction.save()
    client = signed("viewer")
    evaluation = Evaluation.objects.get()
    link = f"/workbench/?evaluation={evaluation.pk}&actual=BlotGel&wrong=true&dataset=panels"
    assert f'href="{link}"' in shown(client, f"/models/{version.pk}/")
    of_class = [each for each in said if each.image.label.name == "BlotGel"]
    bench = shown(client, link)
    assert f"<b>{len(of_class)}</b> image" in bench
    assert "wrong ones alone, the surest first" in bench
    source = re.search(r'"source": "(/api[^"]+)"', bench)
    assert source is not None
    listed = client.get(source[1].encode().decode("unicode_escape")).json()["results"]
    assert [each["id"] for each in listed] == [each.image_id for each in reversed(of_class)]
