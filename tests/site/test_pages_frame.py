"""The frame of all pages: who gets in, the dataset in use, the sidebar, refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.factories import DatasetFactory, ImageFactory, UserFactory

pytestmark = pytest.mark.django_db
Enter = Callable[[str], Client]


@pytest.fixture
def enter(user_in_role: Callable[[str], User]) -> Enter:
    """Sign in as a user in a role."""

    def make(role: str = "curator") -> Client:
        client = Client()
        client.force_login(user_in_role(role))
        return client

    return make


def lit(page: str) -> list[str]:
    """The entries of the sidebar that are lit."""
    return [part.split("<span>")[1].split("<")[0] for part in page.split('dark:text-primary-500 active"')[1:]]


def test_who_is_not_signed_in_is_asked_to_and_comes_back() -> None:
    answer = Client().get("/workbench/?dataset=x")
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/workbench/%3Fdataset%3Dx"


def test_who_has_no_role_is_told_so(user_in_role: Callable[[str], User]) -> None:
    nobody = user_in_role("viewer")
    nobody.groups.clear()
    client = Client()
    client.force_login(nobody)
    answer = client.get("/")
    assert answer.status_code == 403
    assert "Your role does not allow this" in answer.content.decode()


def test_the_address_names_the_dataset_in_use_and_it_stays_between_pages(enter: Enter) -> None:
    DatasetFactory(slug="older")
    DatasetFactory(slug="newer")
    client = enter()
    assert client.get("/")["Location"] == "/?dataset=newer"
    client.get("/workbench/?dataset=older")
    assert client.get("/?x=1")["Location"] == "/?x=1&dataset=older"
    page = client.get("/workbench/?dataset=older").content.decode()
    assert '<option value="older" selected>' in page
    assert "/splits/?dataset=older" in page


def test_the_page_of_one_image_puts_its_dataset_in_use(enter: Enter) -> None:
    image = ImageFactory()
    DatasetFactory(slug="newer")
    client = enter()
    page = client.get(f"/images/{image.pk}/").content.decode()
    assert f'<option value="{image.dataset.slug}" selected>' in page
    assert client.get("/")["Location"] == f"/?dataset={image.dataset.slug}"


def test_an_unknown_dataset_is_a_page_that_names_those_there_are(enter: Enter) -> None:
    DatasetFactory(slug="mine")
    answer = enter().get("/workbench/?dataset=other")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "There is no dataset &#x27;other&#x27;. There are: mine." in page


def test_an_unknown_dataset_beside_another_mistake_is_no_failure(enter: Enter) -> None:
    answer = enter().get("/compare/?models=999&dataset=other")
    assert answer.status_code == 404
    assert "There is no model &#x27;999&#x27;" in answer.content.decode()


def test_one_entry_of_the_sidebar_is_lit(enter: Enter) -> None:
    image = ImageFactory()
    client = enter("admin")
    for address, entry in (
        ("/", "Home"),
        ("/workbench/", "Workbench"),
        (f"/images/{image.pk}/", "Workbench"),
        ("/review/", "Review"),
        ("/splits/", "Splits"),
        ("/imports/", "Imports"),
        ("/training/", "Training"),
        ("/models/", "Models"),
        ("/compare/", "Compare"),
        ("/classify/", "Classify"),
        ("/admin/datasets/dataset/", "Datasets"),
        ("/admin/auth/user/", "Users"),
    ):
        page = client.get(address, follow=True).content.decode()
        assert lit(page) == [entry], address


def test_the_sidebar_shows_what_the_role_may_see(enter: Enter) -> None:
    DatasetFactory()
    page = enter("viewer").get("/", follow=True).content.decode()
    assert ">Workbench</span>" in page
    assert ">Users</span>" not in page
    assert ">Users</span>" in enter("admin").get("/", follow=True).content.decode()


def test_many_people_are_listed_with_their_roles_in_few_queries(
    enter: Enter, django_assert_max_num_queries: Any
) -> None:
    client = enter("admin")
    role = Group.objects.get(name="annotator")
    for _ in range(20):
        UserFactory().groups.add(role)
    with django_assert_max_num_queries(15):
        page = client.get("/admin/auth/user/").content.decode()
    assert page.count("annotator") >= 20


def test_a_page_that_is_not_there_says_so_in_words(enter: Enter) -> None:
    answer = enter().get("/images/987654/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_the_start_page_of_the_admin_leads_home(enter: Enter) -> None:
    assert enter().get("/admin/")["Location"] == "/"


def test_no_page_asks_another_host_for_anything(enter: Enter) -> None:
    ImageFactory()
    client = enter("admin")
    for address in ("/", "/workbench/", "/admin/auth/user/"):
        page = client.get(address, follow=True).content.decode()
        assert 'src="http' not in page
        assert 'href="http' not in page
