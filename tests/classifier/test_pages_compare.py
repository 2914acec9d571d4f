"""The page of comparison: verdicts, scores side by side, what differs, what to do where it cannot be told."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.models import ModelVersion, Prediction
from classifier.verdict import told_p
from datasets.models import Split
from datasets.splitting import make_split
from tests.factories_models import (
    ModelVersionFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split by paper whose test subset is five papers of four images, ten of each of two classes."""
    return split_of(labelled_dataset(slug="panels", papers=7, per_paper=4), name="fair", ratios="1:1:5")


@pytest.fixture
def compared(client: Client, user_in_role: Callable[[str], User]) -> Callable[..., str]:
    """Open the comparison in a role; return the page's text with its tags."""

    def show(query: str = "", *, role: str = "curator", status: int = 200) -> str:
        client.force_login(user_in_role(role))
        response = client.get(f"/compare/{query}")
        assert response.status_code == status, response.content[:400]
        return html.unescape(response.content.decode())

    return show


def said(split: Split, *, wrong: int = 0, **fields: Any) -> ModelVersion:
    """A version that has classified the test subset, the first `wrong` images wrongly."""
    version = ModelVersionFactory(split=split, **fields)
    predict_all(version, images_in(split, "test"), wrong=wrong)
    return version


def test_with_fewer_than_two_versions_there_is_nothing_to_compare(
    compared: Callable[..., str], split: Split
) -> None:
    assert "Two versions are needed" in compared()
    said(split)
    page = compared()
    assert "Two versions are needed" in page
    assert 'href="/training/new/"' in page


def test_one_chosen_version_asks_for_another(compared: Callable[..., str], split: Split) -> None:
    first, second = said(split), said(split)
    page = compared(f"?models={first.pk}")
    assert f"{first} is chosen. Choose what to compare it with." in page
    assert f'value="{first.pk}" checked' in page
    assert f'value="{second.pk}" checked' not in page


def test_a_difference_that_may_be_chance_is_said_to_be_so(compared: Callable[..., str], split: Split) -> None:
    bad, good = said(split, wrong=3), said(split, wrong=1)
    page = compared(f"?models={bad.pk}&models={good.pk}")
    assert re.search(
        rf"No difference is shown between {bad} and {good}: macro-F1 0\.\d{{3}} and 0\.\d{{3}}, "
        rf"{good} between \+0 and \+\d\d points from {bad}, on 20 images of 5 papers\.",
        page,
    )
    assert "On no single class is a difference shown." in page
    assert f"Where one is right and the other wrong (2 images), {bad} is right on 0 and {good} on 2." in page
    assert "McNemar's exact test, which counts errors: p = 0.50, which may be chance; it takes images" in page
    assert f"{good} is better" not in page


def test_a_difference_that_is_hardly_chance_makes_one_better(
    compared: Callable[..., str], split: Split
) -> None:
    bad, good = said(split), said(split)
    for paper in range(7):
        images = images_in(split, "test").filter(paper__identifier=str(paper)).order_by("pk")
        wrong = images.filter(label__name="BlotGel").values("pk")
        Prediction.objects.of(bad).filter(image__in=wrong).update(predicted="Microscopy")
    page = compared(f"?models={bad.pk},{good.pk}")
    assert re.search(
        rf"{good} is better than {bad} by \d+ points: macro-F1 1\.000 against 0\.\d+ on 20", page
    )
    assert f"{good} is better on BlotGel by 100 points and Microscopy by 33 points" in page
    assert "p = 0.002, hardly chance" in page
    assert f">Promote {good}</a>" in page


def test_versions_that_are_always_right_and_wrong_together_leave_nothing_to_test(
    compared: Callable[..., str], split: Split
) -> None:
    first, second = said(split, wrong=2), said(split, wrong=2)
    page = compared(f"?models={first.pk}&models={second.pk}")
    assert f"No difference is shown between {first} and {second}: macro-F1" in page
    assert "Cohen's kappa 1.00" in page
    assert "<h2>Both wrong: 2 images</h2>" in page
    assert "On every image both are right or both are wrong: there is nothing to test." in page
    assert page.count('<p class="soft">None.</p>') == 2


def test_the_champion_is_what_others_are_compared_with_unless_another_is_named(
    compared: Callable[..., str], split: Split
) -> None:
    oldest, champion = said(split, wrong=4), said(split)
    promote(champion, reason="best", override=True)
    query = f"?models={oldest.pk}&models={champion.pk}"
    page = compared(query)
    assert f"<h2>{oldest} less {champion}</h2>" in page
    assert "<h2>Fixed: 0 images</h2>" in page
    assert "<h2>Broken: 4 images</h2>" in page
    # The better one is the champion already.
    assert ">Promote " not in page
    assert f"<h2>{champion} less {oldest}</h2>" in compared(f"{query}&baseline={oldest.pk}")


def test_scores_stand_side_by_side_with_their_difference(compared: Callable[..., str], split: Split) -> None:
    first, second = said(split, wrong=10), said(split)
    page = compared(f"?models={first.pk}&models={second.pk}")
    row = page.split("Accuracy</th>", 1)[1].split("</tr>", 1)[0]
    assert re.findall(r"[+\N{MINUS SIGN}]?\d\.\d{3}", row)[:3] == ["0.500", "1.000", "+0.500"]


def test_cells_of_the_matrices_open_images_by_the_labels_of_now(
    compared: Callable[..., str], split: Split, client: Client
) -> None:
    first, second = said(split, wrong=1), said(split)
    page = compared(f"?models={first.pk}&models={second.pk}")
    link = re.search(r'<a href="(/workbench/[^"]+)" title="1 of 10 images labelled BlotGel', page)
    assert link is not None
    bench = html.unescape(client.get(link[1]).content.decode())
    assert "<b>1</b> of 28 image" in bench


def test_the_images_on_which_they_differ_lead_to_their_pages(
    compared: Callable[..., str], split: Split
) -> None:
    first, second = said(split, wrong=2), said(split)
    page = compared(f"?models={first.pk}&models={second.pk}")
    assert "<h2>Fixed: 2 images</h2>" in page
    assert f"Right by {second}, wrong by {first}" in page
    wrong = Prediction.objects.of(first).order_by("image")[0]
    card = page.split(f'href="/images/{wrong.image_id}/"', 1)[1].split("</a>", 1)[0]
    assert f"{first} ≠ {wrong.predicted}" in card
    assert f"{second} = {wrong.image.label}" in card


def test_of_several_pairs_one_difference_is_shown_and_the_others_are_linked(
    compared: Callable[..., str], split: Split
) -> None:
    first, second, third = said(split, wrong=2), said(split, wrong=1), said(split)
    query = f"?models={first.pk}&models={second.pk}&models={third.pk}"
    page = compared(query)
    assert f"<h2>{second} less {first}</h2>" in page
    assert f"&pair={third.pk}#pair" in page
    assert f"<h2>{third} less {first}</h2>" in compared(f"{query}&pair={third.pk}")


def test_what_is_not_classified_yet_is_offered_for_evaluation(
    compared: Callable[..., str], split: Split
) -> None:
    ready, behind = said(split), ModelVersionFactory(split=split)
    query = f"?models={ready.pk}&models={behind.pk}"
    page = compared(query)
    assert f"{behind} lacks 20" in page
    assert f"Evaluate {behind} on {split} test</button>" in page
    assert f"Evaluate {ready} on" not in page
    form = page.split('action="/classify/datasets/"', 1)[1].split("</form>", 1)[0]
    for name, value in (
        ("kind", "evaluation"),
        ("model", str(behind)),
        ("split", str(split)),
        ("subset", "test"),
    ):
        assert f'name="{name}" value="{value}"' in form
    assert "csrfmiddlewaretoken" in form
    assert 'action="/classify/datasets/"' not in compared(query, role="viewer")


def test_versions_that_have_seen_the_papers_are_compared_only_when_that_is_wanted(
    compared: Callable[..., str],
) -> None:
    leaky = make_split(labelled_dataset(slug="leaky", per_paper=6), name="leaky", ratios="2:1:1", by="image")
    versions = [said(leaky), said(leaky, wrong=1)]
    query = "?" + "&".join(f"models={version.pk}" for version in versions)
    page = compared(query)
    assert "These versions were trained on images of leaky/leaky test, or on papers of them:" in page
    assert f"{versions[1]} has seen" in page
    assert re.search(r"\(papers \d, \d, \d", page)
    assert "Confusion matrix" not in page
    assert "Compare all the same</a>" in page
    page = compared(f"{query}&despite_leaks=1")
    # It is said once, not once a version.
    assert page.count("Scores will be too good.</span>") == 1


def test_many_versions_on_many_splits_take_few_queries(
    compared: Callable[..., str], django_assert_max_num_queries: Any
) -> None:
    dataset = labelled_dataset(slug="panels", papers=3)
    splits = [split_of(dataset, name=f"s{number}", ratios="1:1:1") for number in range(12)]
    for split in splits:
        ModelVersionFactory(split=split)
    with django_assert_max_num_queries(40):
        page = compared()
    assert page.count('name="models"') == 12
    assert all(f"panels/s{number}" in page for number in range(12))


def test_a_viewer_compares_but_is_offered_no_promotion(compared: Callable[..., str], split: Split) -> None:
    first, second = said(split, wrong=1), said(split)
    page = compared(f"?models={first.pk}&models={second.pk}", role="viewer")
    assert f"<h2>{second} less {first}</h2>" in page
    assert ">Promote " not in page


def test_the_promotion_it_leads_to_has_the_scores_as_its_reason(
    compared: Callable[..., str], split: Split, client: Client
) -> None:
    first, second = said(split, wrong=10), said(split)
    page = compared(f"?models={first.pk}&models={second.pk}")
    link = re.search(r'href="([^"]+)#promote">Promote', page)
    assert link is not None
    form = html.unescape(client.get(link[1]).content.decode())
    assert re.search(
        rf'name="reason" value="macro-F1 1.000 against 0.\d+ of {first} on panels/fair test', form
    )


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("models=999", 404, "There is no model '999'"),
        ("models={a}&models={b}&split=none", 404, "none"),
        ("models={a}&models={b}&subset=all", 200, "A subset is one of"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(
    compared: Callable[..., str], split: Split, query: str, status: int, sentence: str
) -> None:
    filled = query.format(a=said(split).pk, b=said(split).pk)
    assert sentence in compared(f"?{filled}", status=status)


@pytest.mark.parametrize(
    ("value", "shown"), [(1.0, "= 1.00"), (0.0499, "= 0.050"), (0.0012, "= 0.001"), (0.0009, "< 0.001")]
)
def test_a_p_has_as_many_digits_as_it_needs(value: float, shown: str) -> None:
    assert told_p(value) == shown
