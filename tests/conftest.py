"""What every test stands on: a data directory of its own, real images where there are any, a browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import Client

from biofors_site.roles import ensure_roles
from datasets.models import Maintenance

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Where the tests that ask for no database meet no broker and no cache, either.
WITHOUT_SERVERS = (
    "tests/classifier/",
    "tests/datasets/",
    "tests/test_architecture.py",
    "tests/site/test_run.py",
)
DATABASE = {"db", "transactional_db", "live_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what another database and broker cannot change."""
    for item in items:
        asks = item.get_closest_marker("django_db") or DATABASE & set(getattr(item, "fixturenames", ()))
        if not asks and item.nodeid.startswith(WITHOUT_SERVERS):
            item.add_marker("serverless")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """The data directory of this test alone."""
    directory = tmp_path / "data"
    directory.mkdir()
    settings.DATA_DIR = directory
    # Made by a program of its own, in seconds: only the tests of it wait for that.
    settings.INT8 = False
    settings.STORAGES = {
        **site_settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": directory},
        },
    }
    return directory


@pytest.fixture(scope="session", autouse=True)
def flush_empties_labels() -> Iterator[None]:
    """Let the tables be emptied after a test that commits: labels, too."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_in_maintenance(operations: BaseDatabaseOperations, statements: Any) -> None:
        with Maintenance.open():
            flush(operations, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_in_maintenance)
        yield


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The folder that holds `real/` and `biofors/`; the test is skipped where there is none."""
    named = os.environ.get("BIOFORS_REFERENCE_DIR")
    if not named:
        pytest.skip("BIOFORS_REFERENCE_DIR is not set: no real images here")
    directory = Path(named).resolve()
    if not directory.is_dir():
        pytest.fail(f"BIOFORS_REFERENCE_DIR names no directory: {directory}")
    return directory


@pytest.fixture
def roles(db: None) -> None:
    """The four roles with their permissions."""
    ensure_roles()


@pytest.fixture
def user_in_role(roles: None) -> Callable[[str], User]:
    """Make a user named after a role, in that role, who may log in."""

    def make(role: str) -> User:
        user, created = get_user_model().objects.get_or_create(username=role, defaults={"is_staff": True})
        if created:
            user.groups.add(Group.objects.get(name=role))
        return user

    return make


def chromium() -> str:
    """Return where Chromium is; the test is skipped where it is not."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed (apt-get install -y chromium): no browser tests")
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """How pytest-playwright starts the browser: Debian's Chromium, making no connection of its own."""
    return {**browser_type_launch_args, "executable_path": chromium(), "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The window that pages are tested in."""
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def signed_in(
    context: Any, live_server: Any, transactional_db: None, user_in_role: Callable[[str], User]
) -> Iterator[Callable[[str], Any]]:
    """Open a browser page of the live site as a user in a role; relative addresses are the site's.

    `into` is another browser for it: a context with its own cookies and storage.

    A page that raised a JavaScript error fails the test at its end.
    """
    errors: list[str] = []

    def open_page(role: str = "curator", *, into: Any = None) -> Any:
        browser = into or context
        client = Client()
        client.force_login(user_in_role(role))
        cookie = client.cookies[site_settings.SESSION_COOKIE_NAME]
        browser.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        goto = page.goto
        page.goto = lambda url, **options: goto(
            f"{live_server.url}{url}" if url.startswith("/") else url, **options
        )
        return page

    yield open_page
    assert errors == []
