"""Gates, notes, cards and aliases on their pages."""

import html
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from classifier.aliases import promote
from classifier.describing import describe
from classifier.evaluation import evaluate
from classifier.models import Alias, ModelVersion, Promotion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

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
def split() -> Split:
    """A split of 12 papers."""
    return split_of(labelled_dataset(papers=12, slug="d"))


def scored(split: Split, *, wrong: int = 0) -> ModelVersion:
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=wrong)
    evaluate(version, split=split)
    return version


def shown(client: Client, address: str) -> str:
    """The page at an address, as text with its tags."""
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_gates_are_shown_before_the_act_and_again_with_the_refusal(signed: Signed, split: Split) -> None:
    champion, worse = scored(split), scored(split, wrong=3)
    promote(champion, reason="first")
    client = signed()
    part = shown(client, f"/models/{worse.pk}/gates/?part=1&alias=champion")
    assert "<html" not in part
    assert f"is worse than {champion} by more than 0.05" in part
    assert "only an administrator" in part
    assert 'name="override"' not in part
    assert "Nothing is checked" in shown(client, f"/models/{worse.pk}/gates/?part=1&alias=candidate")
    sent = client.post(f"/models/{worse.pk}/", {"alias": "champion", "reason": "newer"})
    page = html.unescape(sent.content.decode())
    assert sent.status_code == 409
    assert "gate-fail" in page
    assert 'value="newer"' in page
    assert Alias.objects.get().version == champion


def test_only_an_administrator_overrides(signed: Signed, split: Split) -> None:
    promote(scored(split), reason="first")
    worse = scored(split, wrong=3)
    form = {"alias": "champion", "reason": "the old one leaked", "override": "on"}
    assert signed("curator").post(f"/models/{worse.pk}/", form).status_code == 403
    client = signed("admin")
    assert 'name="override"' in shown(client, f"/models/{worse.pk}/gates/?part=1")
    assert client.post(f"/models/{worse.pk}/", form).status_code == 302
    assert Promotion.objects.latest("pk").overridden == ["no_class_worse"]
    page = shown(client, "/aliases/champion/")
    assert "1 gate overridden" in page
    assert "Overridden: " in page


def test_notes_and_tags_are_edited_and_shown_as_text(signed: Signed) -> None:
    version = ModelVersionFactory()
    client = signed()
    form = {"notes": "<script>alert(1)</script>\nsecond", "tags": "gels, paper-2026"}
    assert client.post(f"/models/{version.pk}/describe/", form).status_code == 302
    page = client.get(f"/models/{version.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second" in page
    assert 'href="/models/?tag=gels"' in page
    wrong = client.post(f"/models/{version.pk}/describe/", {"notes": "kept", "tags": "<b>"})
    assert wrong.status_code == 400
    assert ">kept</textarea>" in wrong.content.decode()
    assert signed("viewer").post(f"/models/{version.pk}/describe/", form).status_code == 403


def test_the_list_is_filtered_by_tag(signed: Signed) -> None:
    tagged, other = ModelVersionFactory(), ModelVersionFactory()
    describe(tagged, tags=["gels"])
    page = shown(signed("viewer"), "/models/?tag=gels")
    assert f'href="/models/{tagged.pk}/"' in page
    assert f'href="/models/{other.pk}/"' not in page


def test_the_card_is_shown_and_nothing_in_it_is_markup(signed: Signed, split: Split) -> None:
    version = scored(split)
    describe(version, notes="<img src=x onerror=alert(1)>")
    page = signed("viewer").get(f"/models/{version.pk}/card/").content.decode()
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert "Intended use and limits" in page


def test_the_page_of_an_alias_tells_who_answered_when_and_rolls_back(signed: Signed) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    for version in (first, second):
        promote(version, reason=f"of {version}")
    client = signed()
    page = shown(client, "/aliases/champion/?when=2020-03-03T10:00")
    assert "champion pointed at nothing" in page
    assert f"{second}</a> answered as champion" in shown(client, "/aliases/champion/?when=2999-01-01")
    assert "is no moment" in shown(client, "/aliases/champion/?when=yesterday")
    form = {"deed": "roll_back", "expected": str(second)}
    assert client.post("/aliases/champion/", {**form, "reason": ""}).status_code == 400
    assert client.post("/aliases/champion/", {**form, "reason": "worse"}).status_code == 302
    assert Alias.objects.get().version == first
    again = client.post("/aliases/champion/", {**form, "reason": "worse"})
    assert again.status_code == 409
    assert client.get("/aliases/nobody/").status_code == 404


def test_an_alias_is_taken_away_but_not_the_champion(signed: Signed) -> None:
    version = ModelVersionFactory()
    for alias in ("champion", "candidate"):
        promote(version, alias=alias, reason="first")
    client = signed()
    assert client.post("/aliases/champion/", {"deed": "remove", "reason": "x"}).status_code == 409
    assert client.post("/aliases/candidate/", {"deed": "remove", "reason": "tried"}).status_code == 302
    page = shown(client, "/aliases/candidate/")
    assert "is gone: it points at nothing" in page
    assert "taken away from" in page
    assert "took the alias candidate away" in shown(client, f"/models/{version.pk}/")
    assert signed("viewer").post("/aliases/champion/", {"deed": "remove"}).status_code == 403
