"""The pages of sweeps: queued from the form, ranked, cancelled; what is wrong is said at its field."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from datasets.models import Split
from tests.factories_models import labelled_dataset
from tests.training_jobs.test_sweeps import end
from training_jobs.models import Sweep
from training_jobs.sweeping import advance, queue_sweep, trials_of

pytestmark = pytest.mark.django_db
As = Callable[..., Client]
FORM = {
    "architecture": "cnn",
    "name": "",
    "method": "random",
    "candidates": "3",
    "folds": "0",
    "sweep_seed": "0",
}


def filled(client: Client, split: Split, **changes: str) -> dict[str, str]:
    """What a browser sends of the form as it was proposed, with changes: what is on the page, no more."""
    page = client.get("/training/sweeps/new/?dataset=d")
    form, text = page.context["form"], page.content.decode()
    values = {name: form[name].value() for name in form.fields if f'name="{name}"' in text}
    sent = {name: str(value) for name, value in values.items() if value is not None and value is not False}
    return {**sent, **FORM, "split": str(split.pk), **changes}


def test_without_a_dataset_or_a_split_the_pages_say_what_to_do_first(as_role: As) -> None:
    client = as_role()
    assert "Import images" in client.get("/training/sweeps/").content.decode()
    labelled_dataset(slug="e")
    assert "Make a split" in client.get("/training/sweeps/?dataset=e").content.decode()
    assert "Make a split" in client.get("/training/sweeps/new/?dataset=e").content.decode()


def test_a_sweep_is_queued_from_the_form_as_it_was_proposed(as_role: As, split: Split, woken: Any) -> None:
    client = as_role()
    answer = client.post("/training/sweeps/new/?dataset=d", filled(client, split))
    assert answer.status_code == 302, answer.context["form"].errors
    sweep = Sweep.objects.get()
    assert answer["Location"] == f"/training/sweeps/{sweep.pk}/"
    assert set(sweep.space) == {"learning_rate", "dropout", "l2", "label_smoothing", "balance"}
    assert sweep.config["best_by"] == "val_macro_f1"
    assert (sweep.name, sweep.method, sweep.created_by is not None) == ("d-cnn-sweep", "random", True)
    assert trials_of(sweep).count() == 3


def test_ranges_and_settings_of_the_form_count(as_role: As, split: Split, woken: Any) -> None:
    client = as_role()
    empty = {f"vary_{name}": "" for name in ("learning_rate", "dropout", "l2", "label_smoothing", "balance")}
    sent = filled(
        client, split, **{**empty, "vary_batch_size": "8, 16, 32", "epochs": "9", "method": "halving"}
    )
    client.post("/training/sweeps/new/?dataset=d", {**sent, "folds": "2", "candidates": "3"})
    sweep = Sweep.objects.get()
    assert (sweep.space, sweep.rungs, sweep.folds) == ({"batch_size": "8, 16, 32"}, [3, 9], 2)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"vary_dropout": "0.5..0.1"}, "vary_dropout", "does not rise"),
        ({"candidates": "1"}, "candidates", "greater than or equal to 2"),
        ({"folds": "10"}, "folds", "too few for 10 folds"),
        ({"epochs": "0"}, "epochs", "from 1 to 500"),
        ({"name": "no name"}, "name", "cannot name a model"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    as_role: As, split: Split, changes: dict[str, str], field: str, sentence: str
) -> None:
    client = as_role()
    answer = client.post("/training/sweeps/new/?dataset=d", filled(client, split, **changes))
    assert answer.status_code == 400
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert not Sweep.objects.exists()


def test_a_sweep_around_a_run_or_a_recipe_begins_with_its_settings(
    as_role: As, split: Split, woken: Any
) -> None:
    sweep = queue_sweep(split, architecture="cnn", number=2, config={"epochs": 7})
    run = trials_of(sweep).first()
    form = as_role().get(f"/training/sweeps/new/?dataset=d&clone={run.pk}").context["form"]
    assert form["epochs"].value() == 7
    form = as_role().get("/training/sweeps/new/?dataset=d&recipe=seed-cnn").context["form"]
    assert form["layout"].value() == "plain"
    form = as_role().get("/training/sweeps/new/?dataset=d&architecture=resnet50").context["form"]
    assert (form.shown, form["vary_learning_rate"].value()) == ("resnet50", "1e-4..1e-2")


def test_the_page_ranks_the_candidates_and_leads_to_a_run_with_the_best(
    as_role: As, split: Split, woken: Any
) -> None:
    sweep = queue_sweep(split, architecture="cnn", number=3, vary={"dropout": "0.1..0.4"})
    for trial, score in zip(trials_of(sweep).order_by("pk"), (0.4, 0.6, None), strict=True):
        end(trial, score)
    advance(sweep)
    client = as_role()
    text = client.get(f"/training/sweeps/{sweep.pk}/").content.decode()
    rows = re.findall(r'<th scope="row">(\d)', text)
    assert rows == ["2", "1", "3"]
    best = trials_of(sweep).get(candidate__number=2)
    assert f"clone={best.pk}" in text
    cloned = client.get(f"/training/new/?dataset=d&clone={best.pk}").context["form"]
    assert cloned["dropout"].value() == best.config["dropout"]
    compared = re.search(r'href="(/training/compare/[^"]+)"', text)
    assert compared is not None
    table = client.get(compared[1].replace("&amp;", "&")).context["table"]
    assert {row.run for row in table.rows} == set(trials_of(sweep))
    listed = client.get("/training/sweeps/?dataset=d").content.decode()
    assert "finished" in listed and "3 of 3 trials" in listed and "0.600" in listed


def test_trials_stay_out_of_the_list_of_runs(as_role: As, split: Split, woken: Any) -> None:
    queue_sweep(split, architecture="cnn", number=2)
    assert "No run yet" in as_role().get("/training/?dataset=d").content.decode()


def test_a_sweep_is_cancelled_from_its_page(as_role: As, split: Split, woken: Any) -> None:
    sweep = queue_sweep(split, architecture="cnn", number=2)
    assert as_role("viewer").post(f"/training/sweeps/{sweep.pk}/").status_code == 403
    answer = as_role().post(f"/training/sweeps/{sweep.pk}/", follow=True)
    assert "is cancelled" in answer.content.decode()
    answer = as_role().post(f"/training/sweeps/{sweep.pk}/", follow=True)
    assert "nothing to cancel" in answer.content.decode()


def test_viewers_see_sweeps_and_queue_none(as_role: As, split: Split, woken: Any) -> None:
    sweep = queue_sweep(split, architecture="cnn", number=2)
    client = as_role("viewer")
    assert "New sweep" not in client.get("/training/sweeps/?dataset=d").content.decode()
    assert client.get(f"/training/sweeps/{sweep.pk}/").status_code == 200
    assert client.get("/training/sweeps/new/?dataset=d").status_code == 403
    assert client.get("/training/sweeps/999999/").status_code == 404
