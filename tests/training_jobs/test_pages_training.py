"""The pages of training runs: the list, the form of a new one, one that is followed."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from classifier.evaluation import evaluate
from datasets.models import Split
from datasets.splitting import make_split
from tests.factories import DatasetFactory
from tests.factories_models import (
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)
from training_jobs.admin.forms import defaults_of
from training_jobs.launching import queue_training
from training_jobs.models import EpochMetric, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
NEW = "/training/new/?dataset=d"


def add_epochs(run: TrainingRun, count: int, *, attempt: int = 1, best: int = 1) -> None:
    """Let a run have measured epochs; validation accuracy is 0.5 and a thousandth per epoch."""
    for number in range(1, count + 1):
        EpochMetric.objects.create(
            run=run,
            attempt=attempt,
            epoch=number,
            loss=1.5,
            accuracy=0.4,
            val_loss=1.25,
            val_accuracy=0.5 + number / 1000,
            val_macro_f1=0.3,
            learning_rate=0.001,
            seconds=20,
            is_best=number == best,
        )


def succeeded(split: Split, **fields: Any) -> TrainingRun:
    """A run that became a version with scores on test."""
    version = ModelVersionFactory(name="panels", split=split, version=fields.pop("version", 1))
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluate(version, split=split)
    return TrainingRunFactory(
        split=split,
        state="succeeded",
        version=version,
        attempt=1,
        started_at=timezone.now() - timedelta(seconds=95),
        finished_at=timezone.now(),
        **fields,
    )


def sent(split: Split, /, **changes: Any) -> dict[str, Any]:
    """What the form sends where only these fields were changed."""
    others = {name: str(value) for name, value in defaults_of("cnn").items() if not isinstance(value, bool)}
    defaults: dict[str, Any] = {
        **others,
        "split": split.pk,
        "architecture": "cnn",
        "shown": "cnn",
        "name": "",
        "epochs": "40",
        "image_size": "112",
        "geometry": "letterbox",
        "best_by": "val_accuracy",
        "batch_size": "32",
        "learning_rate": "0.002",
        "l2": "0.0001",
        "dropout": "0.25",
        "augment": "on",
        "train_base": "on",
        "seed": "0",
    }
    return {name: value for name, value in {**defaults, **changes}.items() if value is not None}


def test_the_list_tells_scores_split_and_what_became_of_each_run(as_role: Any, split: Split) -> None:
    leaking = make_split(split.dataset, name="loose", ratios="2:1:1", by="image")
    run = succeeded(split)
    add_epochs(run, 3, best=2)
    TrainingRunFactory(split=leaking, name="waits")
    page = as_role("viewer").get("/training/?dataset=d").content.decode()
    assert "0.502" in page and "accuracy, epoch 2" in page
    evaluation = run.version.evaluations.get()
    assert f"{evaluation.macro_f1:.3f}" in page
    assert f'href="/models/{run.version.pk}/">panels@1' in page
    assert "1 min 35 s" in page
    assert "number 1 in the queue" in page
    assert page.count(">leaks<") == 1
    assert page.index("waits") < page.index(f'id="run-{run.pk}"')


def test_the_list_shows_only_the_dataset_in_use_fifty_at_a_time(as_role: Any, split: Split) -> None:
    TrainingRunFactory(name="elsewhere")
    runs = [TrainingRunFactory(split=split, state="cancelled", name=f"run{n}") for n in range(51)]
    client = as_role("viewer")
    page = client.get("/training/?dataset=d").content.decode()
    assert "elsewhere" not in page and "run50<" in page and "run0<" not in page
    assert f"before={runs[1].pk}" in page
    older = client.get(f"/training/?dataset=d&before={runs[1].pk}").content.decode()
    assert "run0<" in older and "run1<" not in older and "Newest" in older


def test_an_empty_list_offers_the_way_to_fill_it(as_role: Any, split: Split) -> None:
    DatasetFactory(slug="empty")
    curator = as_role()
    assert "/training/new/?dataset=d" in curator.get("/training/?dataset=d").content.decode()
    assert "/splits/new/?dataset=empty" in curator.get("/training/?dataset=empty").content.decode()
    assert "Make a split" in curator.get("/training/new/?dataset=empty").content.decode()
    for_viewer = as_role("viewer").get("/training/?dataset=d").content.decode()
    assert "No run yet" in for_viewer and "/training/new/" not in for_viewer


def test_a_curator_queues_a_run_with_only_what_differs_from_the_defaults(as_role: Any, split: Split) -> None:
    client = as_role()
    with patch("training_jobs.admin.new_run.queue_training", wraps=queue_training) as queue:
        answer = client.post(NEW, sent(split, epochs="3", augment=None, name="mine"), follow=True)
    assert queue.call_args.kwargs["config"] == {"epochs": 3, "augment": False}
    run = TrainingRun.objects.get()
    assert answer.redirect_chain == [(f"/training/{run.pk}/", 302)]
    assert (run.name, run.split, run.config["epochs"], run.config["image_size"]) == ("mine", split, 3, 112)
    assert run.created_by.username == "curator"
    page = answer.content.decode()
    assert f"Run {run.pk} was queued" in page and "Number 1 in the queue" in page


def test_without_a_name_a_run_is_named_after_dataset_and_architecture(as_role: Any, split: Split) -> None:
    as_role().post(NEW, sent(split))
    assert TrainingRun.objects.get().name == "d-cnn"


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_train_neither_sees_the_form_nor_queues(as_role: Any, split: Split, role: str) -> None:
    client = as_role(role)
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, sent(split)).status_code == 403
    assert not TrainingRun.objects.exists()
    assert "New run" not in client.get("/training/?dataset=d").content.decode()


def test_somebody_signed_out_is_sent_to_sign_in(client: Client, split: Split) -> None:
    assert client.get("/training/?dataset=d")["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"epochs": "900"}, "epochs", "Epochs must be a whole number from 1 to 500."),
        ({"epochs": ""}, "epochs", "Epochs must be a whole number from 1 to 500."),
        ({"learning_rate": "much"}, "learning_rate", "Learning rate must be a number from 1e-07 to 1."),
        ({"name": "two words"}, "name", "such as two-words"),
        ({"split": "99999"}, "split", "Choose another."),
        ({"architecture": "vgg"}, "architecture", "vgg is not one of the available choices"),
        ({"geometry": "fold"}, "geometry", "fold is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    as_role: Any, split: Split, wrong: dict[str, str], field: str, sentence: str
) -> None:
    answer = as_role().post(NEW, sent(split, batch_size="48", seed="7", **wrong))
    assert answer.status_code == 400
    assert any(sentence in each for each in answer.context["form"].errors[field])
    assert sentence in answer.content.decode()
    assert 'name="batch_size" value="48"' in answer.content.decode()
    assert 'name="seed" value="7"' in answer.content.decode()
    assert "Nothing was queued" in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_a_refusal_of_the_launch_is_said_at_the_field_it_is_about(as_role: Any, settings: Any) -> None:
    one_class = split_of(labelled_dataset(slug="d", classes=("FAC",)))
    answer = as_role().post(NEW, sent(one_class))
    assert "Every image in train of d/s is FAC" in answer.context["form"].errors["split"][0]
    settings.RESNET50_WEIGHTS = "none"
    two_classes = split_of(labelled_dataset(slug="e"))
    frozen = sent(two_classes, architecture="resnet50", shown="resnet50", train_base=None)
    answer = as_role().post("/training/new/?dataset=e", frozen)
    assert "would be frozen" in answer.context["form"].errors["train_base"][0]
    assert (
        "More settings" in answer.content.decode() and '<details id="more" open>' in answer.content.decode()
    )
    assert not TrainingRun.objects.exists()


def test_another_architecture_brings_its_defaults_but_keeps_what_was_typed(
    as_role: Any, split: Split
) -> None:
    shown = as_role().post(NEW, sent(split, architecture="resnet50", epochs="30", show="1"))
    assert shown.status_code == 200 and not TrainingRun.objects.exists()
    page = shown.content.decode()
    assert 'name="epochs" value="30"' in page and 'name="image_size" value="224"' in page
    assert 'name="shown" value="resnet50"' in page
    as_role().post(NEW, sent(split, architecture="resnet50", epochs="30"))
    config = TrainingRun.objects.get().config
    assert (config["epochs"], config["image_size"], config["train_base"]) == (30, 224, False)


def test_the_form_says_where_the_weights_come_from_by_name_only(
    as_role: Any, split: Split, settings: Any, tmp_path: Any
) -> None:
    client = as_role()
    settings.RESNET50_WEIGHTS = "imagenet"
    assert "the training worker downloads" in client.get(NEW).content.decode()
    settings.RESNET50_WEIGHTS = "none"
    assert "RESNET50_WEIGHTS is none" in client.get(NEW).content.decode()
    settings.RESNET50_WEIGHTS = str(tmp_path / "base.h5")
    missing = client.get(NEW).content.decode()
    assert "RESNET50_WEIGHTS names base.h5, but there is no such file." in missing
    (tmp_path / "base.h5").write_bytes(b"weights")
    there = client.get(NEW).content.decode()
    assert "ImageNet weights in base.h5" in there
    assert str(tmp_path) not in missing + there


def test_a_leaking_split_is_warned_of_and_not_proposed(as_role: Any, split: Split) -> None:
    leaking = make_split(split.dataset, name="loose", ratios="2:1:1", by="image")
    client = as_role()
    page = client.get(NEW).content.decode()
    assert f'<option value="{split.pk}" selected>' in page
    assert f'data-split="{leaking.pk}" hidden' in page
    chosen = client.get(f"{NEW}&split={leaking.pk}").content.decode()
    assert f'<option value="{leaking.pk}" selected>' in chosen
    assert f'data-split="{leaking.pk}">' in chosen and leaking.warnings[0] in chosen


def test_a_clone_fills_the_form_like_the_run(as_role: Any, split: Split) -> None:
    run = TrainingRunFactory(
        split=split, name="first", config={"architecture": "cnn", "epochs": 77, "dropout": 0.5, "gone": 1}
    )
    other = labelled_dataset(slug="other")
    client = as_role()
    client.get(f"/?dataset={other.slug}")
    page = client.get(f"/training/new/?clone={run.pk}").content.decode()
    assert f"New run, like run {run.pk}" in page
    for part in ('name="epochs" value="77"', 'name="dropout" value="0.5"', 'name="name" value="first"'):
        assert part in page
    assert f'<option value="{split.pk}" selected>' in page
    assert client.get("/training/new/?clone=99999").status_code == 404


def test_a_run_shows_its_epochs_recipe_log_and_the_model_it_became(as_role: Any, split: Split) -> None:
    run = succeeded(split)
    TrainingRun.objects.filter(pk=run.pk).update(
        config={**run.config, "epochs": 3, "dropout": 0.5},
        events=[{"at": timezone.now().isoformat(), "state": "running", "note": "attempt 1, host:1"}],
    )
    add_epochs(run, 3, best=2)
    answer = as_role("viewer").get(f"/training/{run.pk}/")
    page = answer.content.decode()
    assert "0.502" in page and "best accuracy on val, epoch 2" in page
    assert f'class="button primary" href="/models/{run.version.pk}/">See the model' in page
    assert f"{run.version.evaluations.get().macro_f1:.3f}" in page
    assert "<b>0.5</b>" in page and "default 0.25" in page
    assert "attempt 1, host:1" in page
    assert f"{run.label_cutoff:%H:%M:%S} UTC" in page
    assert answer.context["setup"]["source"] == f"/api/v1/training-runs/{run.pk}/"
    for action in ("cancel", "retry", "Clone"):
        assert f">{action.title()}<" not in page


def test_a_run_that_was_taken_up_again_shows_the_latest_attempt_and_keeps_the_earlier(
    as_role: Any, split: Split
) -> None:
    run = TrainingRunFactory(split=split, state="running", attempt=2, started_at=timezone.now())
    TrainingRun.objects.filter(pk=run.pk).update(config={**run.config, "epochs": 5})
    add_epochs(run, 4, attempt=1, best=4)
    add_epochs(run, 2, attempt=2, best=1)
    answer = as_role("viewer").get(f"/training/{run.pk}/")
    assert (answer.context["done_epochs"], answer.context["best"].attempt) == (2, 2)
    assert answer.context["seconds_left"] == 60
    page = answer.content.decode()
    assert page.index("Attempt 2, drawn above") < page.index("Attempt 1, earlier")


@pytest.mark.parametrize(
    ("state", "code", "error", "told"),
    [
        ("failed", "diverged", "The loss is no number any more.", "Clone it with a lower learning rate."),
        ("dead", "worker_lost", "Its worker was lost 3 times.", "ran out of memory"),
        ("failed", "unexpected", "KeyError: 1", "the log of the training worker"),
    ],
)
def test_a_run_that_failed_says_why_and_what_to_do(
    as_role: Any, split: Split, state: str, code: str, error: str, told: str
) -> None:
    run = TrainingRunFactory(split=split, state=state, error_code=code, error=error)
    page = as_role().get(f"/training/{run.pk}/").content.decode()
    for part in (code, error, told, ">Retry<"):
        assert part in page
    assert ">Cancel<" not in page


def test_a_run_is_cancelled_and_queued_again(
    as_role: Any, split: Split, woken: Any, django_capture_on_commit_callbacks: Any
) -> None:
    run = TrainingRunFactory(split=split)
    client, there = as_role(), f"/training/{run.pk}/"
    assert ">Cancel<" in client.get(there).content.decode()
    cancelled = client.post(there, {"action": "cancel"}, follow=True).content.decode()
    assert f"Run {run.pk} is cancelled." in cancelled and ">Retry<" in cancelled
    run.refresh_from_db()
    assert run.state == "cancelled"
    with django_capture_on_commit_callbacks(execute=True):
        again = client.post(there, {"action": "retry"}, follow=True).content.decode()
    assert f"Run {run.pk} is queued again" in again and woken.call_count == 1
    run.refresh_from_db()
    assert run.state == "queued"


def test_a_move_that_came_too_late_is_refused_with_its_reason(as_role: Any, split: Split) -> None:
    run = succeeded(split)
    client = as_role()
    for action in ("cancel", "retry", "delete"):
        answer = client.post(f"/training/{run.pk}/", {"action": action}, follow=True)
        assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    run.refresh_from_db()
    assert run.state == "succeeded"


def test_a_viewer_follows_a_run_but_cannot_move_it(as_role: Any, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    client = as_role("viewer")
    page = client.get(f"/training/{run.pk}/").content.decode()
    assert "Number 1 in the queue" in page and ">Cancel<" not in page and ">Clone<" not in page
    assert client.post(f"/training/{run.pk}/", {"action": "cancel"}).status_code == 403
    run.refresh_from_db()
    assert run.state == "queued"
    assert client.get("/training/99999/").status_code == 404


def test_a_page_that_draws_itself_again_leaves_the_dataset_in_use_alone(as_role: Any, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    labelled_dataset(slug="other")
    client = as_role()
    client.get("/?dataset=other")
    client.get(f"/training/{run.pk}/", headers={"X-Redraw": "1"})
    assert client.session["dataset_in_use"] == "other"
    client.get(f"/training/{run.pk}/")
    assert client.session["dataset_in_use"] == "d"


def test_the_workers_of_a_queue_are_told(as_role: Any) -> None:
    client = as_role("viewer")
    with patch("training_jobs.admin.jobs.alive_workers", return_value=["training@host"]) as asked:
        assert client.get("/training/workers/").json() == {"queue": "training", "alive": ["training@host"]}
        client.get("/training/workers/?queue=inference")
    assert [call.args for call in asked.call_args_list] == [("training",), ("inference",)]
    assert client.get("/training/workers/?queue=none").status_code == 400
