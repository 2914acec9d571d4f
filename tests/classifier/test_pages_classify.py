"""The page that classifies files; what people do on it is tested in a browser, in tests/e2e."""

import html
import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from tests.factories import DatasetFactory
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("viewer", "ask an administrator for the role “annotator”"),
        ("annotator", "Adding images takes a curator"),
        ("curator", "A new one…"),
    ],
)
def test_each_role_learns_what_it_may_do_with_the_images(signed: Signed, role: str, says: str) -> None:
    ModelVersionFactory()
    DatasetFactory(slug="mine")
    assert says in shown(signed(role))


@pytest.mark.django_db
def test_the_dataset_in_use_is_offered_first_with_its_classes(signed: Signed) -> None:
    ModelVersionFactory()
    mine = DatasetFactory(slug="mine")
    mine.classes.filter(name="FAC").update(name="Cytometry")
    DatasetFactory(slug="newer")
    page = shown(signed("curator"), "/classify/?dataset=mine")
    offered = page.split('<select id="adding-dataset"', 1)[1].split("</select>", 1)[0]
    assert offered.index('value="mine"') < offered.index('value="newer"')
    setup = json.loads(page.split('id="classify-setup" type="application/json">', 1)[1].split("<", 1)[0])
    assert "Cytometry" in setup["datasets"]["mine"]
    assert "FAC" in setup["datasets"]["newer"]
