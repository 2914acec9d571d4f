"""What tests of jobs share: no worker is woken, a split to train on, browsers of the roles."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets.models import Split
from tests.factories_models import labelled_dataset, split_of


@pytest.fixture
def woken() -> Iterator[Any]:
    """What would have been sent to workers."""
    with patch("celery.current_app.send_task") as send:
        yield send


@pytest.fixture
def split() -> Split:
    """A split of a small labelled dataset of 24 images."""
    return split_of(labelled_dataset(slug="d"))


@pytest.fixture
def as_role(user_in_role: Callable[[str], User]) -> Callable[..., Client]:
    """A browser signed in as a user in a role."""

    def signed_in(role: str = "curator") -> Client:
        client = Client()
        client.force_login(user_in_role(role))
        return client

    return signed_in
