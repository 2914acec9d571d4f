"""Sweeps over REST and by the command: queued, listed, ranked, cancelled, refused by name."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from datasets.models import Split
from tests.rest import API, api, assert_error
from tests.training_jobs.test_sweeps import end
from training_jobs.models import Sweep
from training_jobs.sweeping import advance, queue_sweep, trials_of

__all__ = ["api"]
pytestmark = pytest.mark.django_db
ASKED = {"architecture": "cnn", "config": {"image_size": 32, "layout": "pooled", "drawn_papers": 0}}


def test_a_sweep_is_queued_watched_and_its_trials_are_found(
    api: Callable[..., APIClient], split: Split, woken: Any
) -> None:
    answer = api().post(
        f"{API}sweeps/",
        {**ASKED, "split": split.pk, "vary": {"dropout": "0.1..0.4", "batch_size": [8, 16]}, "candidates": 3},
        format="json",
    )
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["space"] == {"dropout": "0.1..0.4", "batch_size": "8, 16"}
    assert (told["state"], told["rungs"], told["score"]) == ("running", [40], "val_macro_f1")
    assert [each["number"] for each in told["candidates"]] == [1, 2, 3]
    assert told["best"] is None
    assert answer.headers["Location"].endswith(f"/sweeps/{told['id']}/")

    sweep = Sweep.objects.get()
    for place, trial in enumerate(trials_of(sweep).order_by("pk"), start=1):
        end(trial, place / 10)
    advance(sweep)
    told = api().get(f"{API}sweeps/{sweep.pk}/").json()
    assert (told["state"], told["best"]) == ("finished", 3)
    assert told["candidates"][0]["score"] == {"mean": 0.3, "deviation": None}
    assert told["candidates"][0]["f1"] == {
        **dict.fromkeys(told["candidates"][0]["f1"]),
        "BlotGel": {"mean": 0.3, "deviation": None},
    }
    (listed,) = api().get(f"{API}sweeps/?dataset=d&state=finished").json()["results"]
    assert listed["id"] == sweep.pk and "candidates" not in listed
    runs = api().get(f"{API}training-runs/?sweep={sweep.pk}").json()["results"]
    assert {(run["sweep"], run["candidate"], run["fold"], run["rung"]) for run in runs} == {
        (sweep.pk, number, 0, 0) for number in (1, 2, 3)
    }


def test_a_sweep_is_cancelled_once(api: Callable[..., APIClient], split: Split, woken: Any) -> None:
    sweep = queue_sweep(split, number=2, **ASKED)
    assert api().post(f"{API}sweeps/{sweep.pk}/cancel/").json()["state"] == "cancelled"
    assert not trials_of(sweep).active().exists()
    assert_error(api().post(f"{API}sweeps/{sweep.pk}/cancel/"), 409, "illegal_move")


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"architecture": None}, "invalid", "architecture"),
        ({"candidates": 1}, "invalid", "candidates"),
        ({"folds": 1}, "bad_sweep", "folds"),
        ({"vary": {"dropout": "x..y"}}, "invalid_config", "dropout"),
        ({"vary": {"weights": "a"}}, "invalid_config", "weights"),
        ({"config": {"epochs": 0}}, "invalid_config", "epochs"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(
    api: Callable[..., APIClient], split: Split, asked: dict[str, Any], code: str, field: str
) -> None:
    body = {name: value for name, value in {**ASKED, "split": split.pk, **asked}.items() if value is not None}
    answer = api().post(f"{API}sweeps/", body, format="json")
    assert_error(answer, 400, code)
    assert field in answer.json()["fields"]


def test_only_who_may_train_may_search(split: Split, user_in_role: Callable[[str], User]) -> None:
    client = APIClient()
    client.force_authenticate(user_in_role("annotator"))
    answer = client.post(f"{API}sweeps/", {**ASKED, "split": split.pk}, format="json")
    assert answer.status_code == 403
    assert client.get(f"{API}sweeps/").status_code == 200


def test_the_command_queues_a_sweep(split: Split, woken: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        "sweep", "s", "--recipe", "seed-cnn", "--vary", "l2=1e-4..1e-1", "--candidates", "4", "--folds", "2",
        "--epochs", "3", "--json",
    )  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    assert (told["architecture"], told["folds"], told["space"]) == ("cnn", 2, {"l2": "0.0001..0.1"})
    assert len(told["candidates"]) == 4
    assert trials_of(Sweep.objects.get()).count() == 8
    assert Sweep.objects.get().config["layout"] == "plain"


def test_the_command_refuses_what_is_no_range(split: Split) -> None:
    with pytest.raises(CommandError, match="--vary takes KEY=VALUE"):
        call_command("sweep", "s", "--architecture", "cnn", "--vary", "dropout")
    with pytest.raises(CommandError, match="does not rise"):
        call_command("sweep", "s", "--architecture", "cnn", "--vary", "dropout=0.5..0.1")
