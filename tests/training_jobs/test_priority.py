"""Who is next: over REST, on the Training page, and by the command that trains."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from datasets.models import Split
from tests.factories_models import TrainingRunFactory
from tests.rest import API, api, assert_error
from tests.training_jobs.test_pages_training import NEW, sent, succeeded
from training_jobs.models import TrainingRun

__all__ = ["api"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
Api = Callable[..., APIClient]
RUNS = f"{API}training-runs/"


def test_a_run_is_queued_with_a_priority_that_can_be_changed_while_it_waits(api: Api, split: Split) -> None:
    client = api("curator")
    usual = TrainingRunFactory(split=split)
    body = {"split": split.pk, "architecture": "cnn", "priority": 3}
    urgent = client.post(RUNS, body, format="json").json()
    assert (urgent["priority"], urgent["queue_position"]) == (3, 1)
    assert [(each["id"], each["queue_position"]) for each in client.get(RUNS).json()["results"]] == [
        (urgent["id"], 1),
        (usual.pk, 2),
    ]
    changed = client.patch(f"{RUNS}{urgent['id']}/", {"priority": -1}, format="json")
    assert (changed.status_code, changed.json()["queue_position"]) == (200, 2)
    for wrong in ({"priority": 1001}, {"priority": "soon"}, {}):
        assert_error(client.patch(f"{RUNS}{usual.pk}/", wrong, format="json"), 400, "invalid")
    usual.claim("worker")
    assert_error(client.patch(f"{RUNS}{usual.pk}/", {"priority": 1}, format="json"), 409, "illegal_move")
    assert client.get(f"{RUNS}{usual.pk}/").json()["device"] == usual.device


def test_who_only_reads_cannot_change_a_priority(api: Api, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    assert api("viewer").patch(f"{RUNS}{run.pk}/", {"priority": 1}, format="json").status_code == 403
    assert TrainingRun.objects.get().priority == 0


def test_up_next_lets_a_run_come_before_those_that_wait(
    user_in_role: Callable[[str], User], split: Split
) -> None:
    first, second = (TrainingRunFactory(split=split) for _ in range(2))
    curator, viewer = Client(), Client()
    curator.force_login(user_in_role("curator"))
    viewer.force_login(user_in_role("viewer"))
    page = curator.get("/training/?dataset=d").content.decode()
    assert f'aria-label="Up next: run {second.pk}"' in page
    assert f'aria-label="Up next: run {first.pk}"' not in page
    assert "Up next" not in viewer.get("/training/?dataset=d").content.decode()
    asked = {"run": second.pk, "action": "first"}
    assert viewer.post("/training/", asked).status_code == 403
    answer = curator.post("/training/", asked, follow=True)
    assert answer.redirect_chain[-1][0] == "/training/?dataset=d"
    assert f"Run {second.pk} is next." in answer.content.decode()
    assert list(TrainingRun.objects.in_turn()) == [second, first]
    second.claim("worker")
    assert "only a run that waits" in curator.post("/training/", asked, follow=True).content.decode()


def test_the_command_that_trains_takes_a_priority(split: Split) -> None:
    TrainingRunFactory(split=split)
    out = StringIO()
    call_command("train", "d/s", architecture="cnn", priority=2, json=True, stdout=out, stderr=StringIO())
    run = TrainingRun.objects.get(pk=json.loads(out.getvalue())["id"])
    assert TrainingRun.objects.in_turn().first() == run
    with pytest.raises(CommandError, match="from -1000 to 1000"):
        call_command("train", "d/s", architecture="cnn", priority=2000, stderr=StringIO())


def test_a_run_is_queued_with_a_priority_which_its_page_tells_while_it_waits(
    as_role: Any, split: Split
) -> None:
    client = as_role()
    assert 'name="priority" value="0"' in client.get(NEW).content.decode()
    page = client.post(NEW, sent(split, priority="7"), follow=True).content.decode()
    run = TrainingRun.objects.get()
    assert run.priority == 7 and "Priority 7: of the runs that wait the highest is next" in page
    wrong = client.post(NEW, sent(split, priority="2000"))
    assert wrong.status_code == 400 and '<details id="more" open>' in wrong.content.decode()
    assert "less than or equal to 1000" in wrong.context["form"].errors["priority"][0]
    usual = succeeded(split)
    assert "Priority" not in client.get(f"/training/{usual.pk}/").content.decode()
