"""The first start: roles, administrator, secret."""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command

from biofors_site.roles import ROLES, ensure_roles
from biofors_site.secrets import embedded_secret_key


@pytest.mark.django_db
def test_bootstrap_prints_the_first_password_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bootstrap")
    first = capsys.readouterr().out
    call_command("bootstrap")
    second = capsys.readouterr().out
    password = first.split("password: ")[1].split()[0]
    admin = get_user_model().objects.get(is_superuser=True)
    assert admin.check_password(password)
    assert password not in second


@pytest.mark.django_db
def test_bootstrap_takes_the_administrator_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOFORS_ADMIN_USER", "marie")
    monkeypatch.setenv("BIOFORS_ADMIN_PASSWORD", "a long enough password")
    call_command("bootstrap")
    assert get_user_model().objects.get(username="marie").check_password("a long enough password")


@pytest.mark.django_db
def test_each_role_may_do_all_that_the_one_before_may() -> None:
    ensure_roles()
    ensure_roles()
    granted = [
        set(Group.objects.get(name=role).permissions.values_list("codename", flat=True)) for role in ROLES
    ]
    for less, more in itertools.pairwise(granted):
        assert less < more


@pytest.mark.django_db
def test_a_viewer_changes_nothing_and_an_annotator_only_labels() -> None:
    ensure_roles()
    viewer = Group.objects.get(name="viewer").permissions.values_list("codename", flat=True)
    annotator = Group.objects.get(name="annotator").permissions.values_list("codename", flat=True)
    assert all(name.startswith("view_") for name in viewer)
    assert set(annotator) - set(viewer) == {"add_label", "add_labelbatch"}


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    key = embedded_secret_key(tmp_path)
    assert len(key) > 40
    assert embedded_secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["secret_key"]


def test_a_process_that_starts_while_another_writes_the_secret_takes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other begins at the moment when the first has opened its file and written nothing yet."""
    fdopen, keys = os.fdopen, []

    def opened(*args: Any) -> Any:
        monkeypatch.setattr(os, "fdopen", fdopen)
        keys.append(embedded_secret_key(tmp_path))
        return fdopen(*args)

    monkeypatch.setattr(os, "fdopen", opened)
    keys.append(embedded_secret_key(tmp_path))
    assert keys[0] == keys[1] == embedded_secret_key(tmp_path)
