"""Who labelled something stays, and the admin says what to do instead."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from datasets.importing import import_folder
from datasets.labelling import correct_label
from tests.datasets.folders import write_images
from tests.factories import UserFactory, png
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def labeller() -> User:
    """Somebody who excluded an image."""
    author: User = UserFactory(username="labeller")
    image = labelled_dataset(papers=1, per_paper=1).images.get()
    correct_label(image, label=None, excluded=True, author=author, expected_version=1)
    return author


@pytest.fixture
def newcomer() -> User:
    """Somebody who has labelled nothing."""
    made: User = UserFactory(username="newcomer")
    return made


def told(page: str, user: User) -> bool:
    """Whether the page names this person as one to deactivate, with the way there."""
    there = reverse("admin:auth_user_change", args=(user.pk,))
    return f'href="{there}">Deactivate {user.username}</a> instead' in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_labelled_is_to_be_deactivated(admin_client: Client, labeller: User, method: str) -> None:
    address = reverse("admin:auth_user_delete", args=(labeller.pk,))
    answer = getattr(admin_client, method)(address, {"post": "yes"})
    assert answer.status_code == 200
    assert told(answer.content.decode(), labeller)
    assert User.objects.filter(pk=labeller.pk).exists()


def test_who_imported_labels_is_to_be_deactivated(
    admin_client: Client, newcomer: User, tmp_path: Any
) -> None:
    write_images(tmp_path / "f", {"FAC/1.png": png(1)})
    import_folder(tmp_path / "f", dataset="f", author=newcomer)
    page = admin_client.get(reverse("admin:auth_user_delete", args=(newcomer.pk,))).content.decode()
    assert told(page, newcomer)


@pytest.mark.parametrize("confirmed", [{}, {"post": "yes"}])
def test_of_many_only_those_who_labelled_are_named(
    admin_client: Client, labeller: User, newcomer: User, confirmed: dict[str, str]
) -> None:
    answer = admin_client.post(
        reverse("admin:auth_user_changelist"),
        {"action": "delete_selected", "_selected_action": [labeller.pk, newcomer.pk], **confirmed},
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert told(page, labeller)
    assert not told(page, newcomer)
    assert User.objects.filter(pk__in=(labeller.pk, newcomer.pk)).count() == 2


def test_who_labelled_nothing_can_be_deleted(admin_client: Client, newcomer: User) -> None:
    answer = admin_client.post(reverse("admin:auth_user_delete", args=(newcomer.pk,)), {"post": "yes"})
    assert answer.status_code == 302
    assert not User.objects.filter(pk=newcomer.pk).exists()
