"""The pages of imports where an archive has gone, or is larger than the room there is."""

import re
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories_models import ImportJobFactory
from tests.training_jobs.test_pages_imports import As, checked, mixed, read, send
from training_jobs import archives
from training_jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]


def test_a_check_whose_archive_has_gone_asks_for_it_again(as_role: As, data_dir: Path) -> None:
    client = as_role()
    check = checked(client, mixed(), slug="fresh")
    (data_dir / check.archive).unlink()
    page = read(client.get(f"/imports/{check.pk}/"))
    assert "the archive has gone: it is kept for a day after its check. Upload it again." in page
    assert 'value="import"' not in page
    assert re.search(r'<a class="button primary" href="/imports/[^"]*">Another archive</a>', page)
    page = read(client.post(f"/imports/{check.pk}/", {"action": "import"}, follow=True))
    assert "is gone: it is kept for a day. Upload it again." in page


def test_an_import_whose_archive_has_gone_is_not_offered_to_be_tried_again(as_role: As) -> None:
    job = ImportJobFactory(state=Job.State.FAILED, error_code="disk_full", error="The disk is full.")
    page = read(as_role().get(f"/imports/{job.pk}/"))
    assert 'value="retry"' not in page
    assert "The archive has gone, so this cannot be tried again" in page


def test_an_archive_there_is_no_room_for_is_refused_before_anything_reads_it(
    user_in_role: Callable[[str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_in_role("curator"))
    with monkeypatch.context() as small:
        small.setattr(archives, "MOST_BYTES", 100)
        with patch("django.http.request.HttpRequest.parse_file_upload", side_effect=AssertionError("read")):
            answer = send(client, mixed(), slug="fresh")
            assert send(Client(), mixed(), slug="fresh")["Location"].startswith("/admin/login/")
        assert answer.status_code == 413
        assert "0.0 GB can be taken now" in read(answer)
        assert 'data-room="100"' in read(client.get("/imports/"))
    # What is not too large is still checked for its token.
    assert send(client, mixed(), slug="fresh").status_code == 403
    token = client.cookies["csrftoken"].value
    answer = client.post(
        "/imports/", {"csrfmiddlewaretoken": token, "dataset": "", "slug": "fresh", "archive": mixed()}
    )
    assert answer.status_code == 302
