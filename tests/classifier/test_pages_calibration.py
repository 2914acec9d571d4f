"""The page of a version's confidence: what it shows, and what its forms do."""

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.evaluation import evaluate
from classifier.models import Calibration, ModelVersion, Prediction, Threshold
from tests.classifier.answering import sure_version
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.django_db
Signed = Callable[..., Client]


@pytest.fixture
def signed(client: Client, user_in_role: Callable[[str], User]) -> Signed:
    """Sign in as a role."""

    def sign_in(role: str = "curator") -> Client:
        client.force_login(user_in_role(role))
        return client

    return sign_in


@pytest.fixture
def version() -> ModelVersion:
    """A version that is too sure, scored on val and test."""
    made = sure_version()
    assert made.split
    for subset in ("val", "test"):
        evaluate(made, split=made.split, subset=subset)
    return made


def shown(response: object) -> str:
    """A page as text with its tags, blanks made one."""
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))  # type: ignore[attr-defined]


def test_the_page_shows_the_diagram_its_numbers_and_the_curve(signed: Signed, version: ModelVersion) -> None:
    page = shown(signed("viewer").get(f"/models/{version.pk}/calibration/"))
    assert f"{version} never abstains." in page
    assert "has not been calibrated" in page
    assert 'aria-label="Reliability diagram, as the network gives it' in page
    assert 'polyline class="line"' in page
    # A bar of the diagram is a row of the table behind it.
    assert page.count("<title>Confidence 0") == page.count('<th scope="row" class="tabular">')
    assert "Set the threshold" not in page
    assert "Fit a temperature" not in page
    assert "Confidence" in shown(signed("viewer").get(f"/models/{version.pk}/"))


def test_a_curator_calibrates_and_both_diagrams_stand_side_by_side(
    signed: Signed, version: ModelVersion
) -> None:
    client = signed()
    address = f"/models/{version.pk}/calibration/"
    sent = client.post(address, {"deed": "calibrate", "split": version.split_id})
    assert sent.headers["Location"] == f"{address}#temperature"
    page = shown(client.get(address))
    made = Calibration.objects.get()
    assert f"Temperature {made.temperature:.3f}, from {made.images} images." in page
    assert 'aria-label="Reliability diagram, at temperature' in page
    assert f"{made.ece_before:.1%}".replace("%", " %") in page
    client.post(address, {"deed": "calibrate", "split": version.split_id})
    assert "Earlier ones" in shown(client.get(address))


def test_a_curator_sets_the_threshold_and_the_page_says_what_it_does(
    signed: Signed, version: ModelVersion
) -> None:
    client, address = signed(), f"/models/{version.pk}/calibration/"
    on = f"{version.split_id}-val"
    sent = client.post(f"{address}?on={on}", {"abstain_below": "0,9", "reason": "by the curve"})
    assert sent.headers["Location"] == f"{address}?on={on}#threshold"
    page = shown(client.get(f"{address}?on={on}"))
    assert f"{version} abstains below 0.9." in page
    assert re.search(r"On val that is [\d.]+ % of the images; of the rest [\d.]+ % are wrong \(95 %: ", page)
    assert "by curator, because: by the curve" in page
    assert "choose it on val" not in page
    assert "choose it on val" in shown(client.get(address))


@pytest.mark.parametrize(
    ("below", "reason", "sentence"),
    [
        ("0.9", " ", "Say why"),
        ("much", "typed before", "'much' is no confidence"),
        ("1.5", "typed before", "1.5 is no confidence"),
    ],
)
def test_a_refused_threshold_says_why_and_keeps_what_was_typed(
    signed: Signed, version: ModelVersion, below: str, reason: str, sentence: str
) -> None:
    sent = signed().post(f"/models/{version.pk}/calibration/", {"abstain_below": below, "reason": reason})
    page = shown(sent)
    assert sent.status_code == 400
    assert sentence in page
    assert f'value="{below}"' in page
    assert f"{version} never abstains." in page
    assert not Threshold.objects.exists()


def test_who_may_not_sets_and_fits_nothing(signed: Signed, version: ModelVersion) -> None:
    client = signed("annotator")
    for form in ({"deed": "calibrate"}, {"abstain_below": "0.5", "reason": "mine"}):
        assert client.post(f"/models/{version.pk}/calibration/", form).status_code == 403
    assert not Calibration.objects.exists()
    assert not Threshold.objects.exists()


def test_shares_in_the_address_show_scores_before_and_after(signed: Signed, version: ModelVersion) -> None:
    address = f"/models/{version.pk}/calibration/"
    page = shown(signed("viewer").get(f"{address}?share-FAC=60&share-BlotGel=20&share-Microscopy=20"))
    assert re.search(r"Macro-F1 0\.\d{3} → 0\.\d{3}", page)
    assert "are taken for another class" in page
    assert page.count('<table class="matrix"') == 2
    for text, sentence in (("many", "'many' is no share"), ("-3", "A share is a number from 0")):
        assert sentence in shown(signed("viewer").get(f"{address}?share-FAC={text}"))


def test_without_answers_the_page_says_how_to_get_them(signed: Signed, version: ModelVersion) -> None:
    other = ModelVersionFactory()
    assert "has no answers to judge here" in shown(signed().get(f"/models/{other.pk}/calibration/"))
    Prediction.objects.all().delete()
    page = shown(signed().get(f"/models/{version.pk}/calibration/"))
    assert f"evaluate {version} --split panels/s --subset test" in page
    sent = signed().post(f"/models/{version.pk}/calibration/", {"deed": "calibrate"})
    assert sent.status_code == 409
