"""Promotion and rolling back on the page of a version."""

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.models import Alias, Promotion
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


def shown(client: Client, address: str) -> str:
    """The page at an address, as text with its tags."""
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_a_curator_promotes_and_the_page_says_who_and_why(signed: Signed) -> None:
    version = ModelVersionFactory()
    client = signed()
    response = client.post(
        f"/models/{version.pk}/", {"deed": "promote", "alias": "champion", "reason": "best F1"}
    )
    assert response.headers["Location"] == f"/models/{version.pk}/"
    assert Alias.objects.get(name="champion").version == version
    page = shown(client, f"/models/{version.pk}/")
    assert f"{version} is champion now." in page
    assert "by curator, because: best F1" in page
    # The first champion can not be rolled back: there is none before it.
    assert 'value="roll_back"' not in page


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_promote_sees_no_form_and_is_refused(signed: Signed, role: str) -> None:
    version = ModelVersionFactory()
    client = signed(role)
    assert 'value="promote"' not in shown(client, f"/models/{version.pk}/")
    sent = client.post(f"/models/{version.pk}/", {"deed": "promote", "alias": "champion", "reason": "mine"})
    assert sent.status_code == 403
    assert not Promotion.objects.exists()


@pytest.mark.parametrize(
    ("alias", "reason", "sentence", "status"),
    [
        ("champion", " ", "Say why: the history of promotions keeps the reason.", 400),
        ("champion", "x" * 501, "The reason is longer than 500 characters.", 400),
        ("a b", "typed before", "'a b' cannot be an alias", 400),
        ("standing", "typed before", "standing is panels@", 409),
    ],
)
def test_a_refused_promotion_says_why_at_its_field_and_keeps_what_was_typed(
    signed: Signed, alias: str, reason: str, sentence: str, status: int
) -> None:
    version = ModelVersionFactory()
    promote(version, alias="standing", reason="first")
    sent = signed().post(f"/models/{version.pk}/", {"deed": "promote", "alias": alias, "reason": reason})
    page = html.unescape(sent.content.decode())
    assert sent.status_code == status
    assert sentence in page
    assert f'name="alias" value="{alias}"' in page
    assert f'name="reason" value="{reason.strip()}"' in page
    assert Promotion.objects.count() == 1


def test_a_version_whose_files_are_gone_is_not_promoted(signed: Signed) -> None:
    version = ModelVersionFactory()
    version.onnx_path.unlink()
    sent = signed().post(f"/models/{version.pk}/", {"alias": "champion", "reason": "good"})
    assert sent.status_code == 409
    assert "are not in the data directory" in sent.content.decode()
    assert not Alias.objects.exists()


def test_the_champion_is_rolled_back_to_the_one_before(signed: Signed) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    for version in (first, second):
        promote(version, reason="newer")
    client = signed()
    assert f"Roll champion back to {first}" in shown(client, f"/models/{second.pk}/")
    form = {"deed": "roll_back", "alias": "champion"}
    refused = client.post(f"/models/{second.pk}/", {**form, "reason": ""})
    assert refused.status_code == 400
    assert "Say why" in refused.content.decode()
    assert Alias.objects.get().version == second
    client.post(f"/models/{second.pk}/", {**form, "reason": "worse on gels"})
    assert Alias.objects.get().version == first
    assert f"rolled champion back to {first} from" in re.sub(
        r"\s+", " ", shown(client, f"/models/{first.pk}/")
    )
    assert "worse on gels" in shown(client, f"/models/{second.pk}/")


def test_a_second_click_does_not_roll_back_further(signed: Signed) -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    for version in (first, second, third):
        promote(version, reason="newer")
    form = {"deed": "roll_back", "alias": "champion", "reason": "worse"}
    client = signed()
    assert client.post(f"/models/{third.pk}/", form).status_code == 302
    again = client.post(f"/models/{third.pk}/", form)
    assert again.status_code == 409
    assert f"does not point at {third} any more: it is {second} now" in html.unescape(again.content.decode())
    assert Alias.objects.get().version == second


def test_what_no_database_takes_is_refused_in_words(signed: Signed) -> None:
    promote(ModelVersionFactory(), reason="first")
    version = ModelVersionFactory()
    promote(version, reason="second")
    client = signed()
    for form in (
        {"deed": "promote", "alias": "other", "reason": "a\0b"},
        {"deed": "promote", "alias": "a\0b", "reason": "any"},
        {"deed": "roll_back", "alias": "champion", "reason": "a\0b"},
        {"deed": "roll_back", "alias": "a\0b", "reason": "any"},
    ):
        sent = client.post(f"/models/{version.pk}/", form)
        assert sent.status_code == 400
        page = html.unescape(sent.content.decode())
        assert "holds a NUL character" in page or "cannot be an alias" in page


def test_an_alias_that_has_moved_on_is_not_rolled_back_from_an_old_page(signed: Signed) -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    for version in (first, second, third):
        promote(version, reason="newer")
    sent = signed().post(
        f"/models/{second.pk}/", {"deed": "roll_back", "alias": "champion", "reason": "worse"}
    )
    assert "does not point at" in html.unescape(sent.content.decode())
    assert Alias.objects.get().version == third
