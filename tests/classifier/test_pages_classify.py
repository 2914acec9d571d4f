"""The page that classifies files, in the frame and in a browser."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.registry import promote
from classifier.serving.cache import forget_engines
from tests.factories import png
from tests.factories_models import CLASSES, ModelVersionFactory

Signed = Callable[..., Client]


@pytest.fixture
def signed(client: Client, user_in_role: Callable[[str], User]) -> Signed:
    """Sign in as a role."""

    def sign_in(role: str) -> Client:
        client.force_login(user_in_role(role))
        return client

    return sign_in


def shown(client: Client, address: str = "/classify/") -> str:
    """The page, as text with its tags."""
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


@pytest.mark.django_db
def test_without_a_model_the_page_leads_to_training(signed: Signed) -> None:
    page = shown(signed("curator"))
    assert "No model yet" in page
    assert '<a class="button primary" href="/training/new/">' in page
    assert 'id="drop"' not in page
    assert 'class="button primary" href="/training/new/"' not in shown(signed("viewer"))


@pytest.mark.django_db
def test_a_viewer_may_drop_files_and_learns_who_answers(signed: Signed) -> None:
    champion, newer = ModelVersionFactory(), ModelVersionFactory()
    promote(champion, reason="best")
    page = shown(signed("viewer"))
    assert f'<option value="">champion ({champion})</option>' in page
    assert f'<option value="{newer}">{newer}</option>' in page
    assert "PNG, JPEG or TIFF, up to 20 MB each" in page
    assert 'aria-current="page">Files</a>' in page
    setup = json.loads(
        page.split('<script id="classify-setup" type="application/json">', 1)[1].split("<", 1)[0]
    )
    assert setup["mostFiles"] == 32
    assert list(setup["looks"]) == CLASSES


@pytest.mark.django_db
def test_without_a_champion_the_newest_version_is_said_to_answer(signed: Signed) -> None:
    ModelVersionFactory()
    newest = ModelVersionFactory()
    page = shown(signed("viewer"))
    assert f"{newest} (the newest)" in page
    assert "There is no champion yet" in page


@pytest.mark.django_db
def test_a_link_may_name_the_model(signed: Signed) -> None:
    version = ModelVersionFactory()
    ModelVersionFactory()
    assert f'<option value="{version}" selected>' in shown(signed("viewer"), f"/classify/?model={version.pk}")


def dropped(page: Any, *files: tuple[str, bytes]) -> Any:
    """Choose files; return the cards of this drop once all are answered."""
    chosen = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    page.set_input_files("#files", chosen)
    page.wait_for_function("!document.querySelector('.classified.waiting')")
    return page.locator("#classify-results > section").first.locator(".classified")


@pytest.fixture
def answering() -> None:
    """A champion that tells images by their brightness."""
    forget_engines()
    promote(ModelVersionFactory(name="bright", version=1, answers=True), reason="the only one")


@pytest.mark.browser
def test_files_get_a_card_each_and_earlier_ones_stay_below(
    transactional_db: None, signed_in: Callable[[str], Any], answering: None
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    first = dropped(page, ("noise.png", png(1)))
    assert first.count() == 1
    assert first.locator(".name").inner_text() == "noise.png"
    assert first.locator(".chip").inner_text().split()[-1] in CLASSES
    assert first.locator(".probabilities .track").count() == len(CLASSES)
    second = dropped(page, ("good.png", png(2)), ("notes.png", b"no image at all"))
    assert "PNG, JPEG and TIFF are taken" in second.nth(1).inner_text()
    assert page.locator(".classified").count() == 3
    assert "3 files in all, 1 refused" in page.inner_text("#classify-status")
    assert "bright@1" in page.locator("#classify-results > section").first.inner_text()


@pytest.mark.browser
def test_a_drop_of_which_nothing_is_an_image_says_so_of_each(
    transactional_db: None, signed_in: Callable[[str], Any], answering: None
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    cards = dropped(page, ("a.png", b"nothing"), ("b.png", b""))
    assert page.locator(".classified.refused").count() == 2
    assert "PNG, JPEG and TIFF are taken" in cards.nth(0).inner_text()


@pytest.mark.browser
def test_more_files_than_one_request_takes_are_all_classified_and_saved(
    transactional_db: None, signed_in: Callable[[str], Any], answering: None
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    files = [(f"=panel {number}.png", png(number)) for number in range(33)]
    assert dropped(page, *files).count() == 33
    with page.expect_download() as download:
        page.get_by_role("button", name="Results as CSV").click()
    lines = download.value.path().read_text().splitlines()
    columns = "file,model,label,confidence,calibrated_confidence,abstained"
    assert lines[0] == f"{columns},{','.join(CLASSES)},error,detail"
    assert len(lines) == 34
    # A name that a spreadsheet would run as a formula is disarmed.
    assert lines[1].startswith("'=panel 0.png,bright@1,")
