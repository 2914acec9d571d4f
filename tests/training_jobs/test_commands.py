"""The commands that queue, wait, and reap, as they are typed."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.authtoken.models import Token

from classifier.models import Evaluation, Prediction
from datasets.models import Split
from datasets.splitting import make_split
from tests.factories import UserFactory, png
from tests.factories_models import (
    InferenceJobFactory,
    ModelVersionFactory,
    PredictionFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)
from tests.training_jobs.test_jobs import let_lease_expire
from training_jobs import following, tasks, workers
from training_jobs.following import Interrupted, JobFailed, follow
from training_jobs.models import InferenceJob, Job, TrainingRun

pytestmark = pytest.mark.django_db


class InlineWorker:
    """Stands in for a worker process: does the job when it is first asked to be alive."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.process: Any = None

    def keep_alive(self) -> bool:
        """Do the work."""
        self.work()
        return True


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let no worker be alive, and the one started do its work in this process."""

    def use(work: Callable[[], None]) -> None:
        @contextmanager
        def own_worker(_queue: str) -> Iterator[InlineWorker]:
            yield InlineWorker(work)

        monkeypatch.setattr(following, "alive_workers", lambda _queue: [])
        monkeypatch.setattr(following, "own_worker", own_worker)

    return use


@pytest.fixture
def split() -> Split:
    """A split of a small dataset."""
    return split_of(labelled_dataset(slug="panels"))


def printed(*args: Any, **options: Any) -> str:
    """What a command prints on stdout."""
    out = StringIO()
    call_command(*args, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def answered(*args: Any, **options: Any) -> dict[str, Any]:
    """What a command prints under `--json`: one object on one line."""
    (line,) = printed(*args, json=True, **options).splitlines()
    return dict(json.loads(line))


def test_train_queues_a_run_with_the_settings_given(split: Split) -> None:
    told = printed(
        "train",
        "panels/s",
        "--architecture",
        "cnn",
        "--epochs",
        "3",
        "--set",
        "seed=7",
        "--set",
        "augment=no",
    )
    run = TrainingRun.objects.get()
    assert f"run {run.pk}" in told
    assert "number 1 in the queue" in told
    assert {key: run.config[key] for key in ("epochs", "seed", "augment")} == {
        "epochs": 3,
        "seed": 7,
        "augment": False,
    }


def test_train_says_what_is_wrong_with_a_setting(split: Split) -> None:
    with pytest.raises(CommandError, match="epochs must be a whole number from 1"):
        printed("train", "s", "--architecture", "cnn", "--epochs", "0")
    with pytest.raises(CommandError, match="KEY=VALUE"):
        printed("train", "s", "--architecture", "cnn", "--set", "epochs")
    with pytest.raises(CommandError, match="no split 'other'"):
        printed("train", "other", "--architecture", "cnn")
    assert not TrainingRun.objects.exists()


def test_a_wrong_word_is_a_usage_error() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "train", "s", "--architecture", "vgg"], capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_classify_dataset_counts_what_is_new(split: Split, inline: Any) -> None:
    ModelVersionFactory(answers=True)
    inline(lambda: tasks.infer(InferenceJob.objects.latest("id").pk))
    first = answered("classify_dataset", "panels", wait=True)
    again = answered("classify_dataset", "panels", wait=True)
    assert (first["predictions"], first["new"], first["failures"]) == (24, 24, [])
    assert (again["predictions"], again["new"]) == (24, 0)
    assert "24 predictions of panels@" in printed("classify_dataset", "panels", wait=True)


def test_waiting_for_a_job_that_fails_ends_with_its_reason(inline: Any) -> None:
    job = InferenceJobFactory()

    def fail() -> None:
        job.claim("worker")
        job.fail(code="disk_full", reason="The disk is full.")

    inline(fail)
    with pytest.raises(JobFailed, match="The disk is full") as failure:
        follow(job, say=lambda _line: None)
    assert failure.value.code == "disk_full"


def test_who_stops_waiting_is_told_what_becomes_of_the_job(inline: Any) -> None:
    job = InferenceJobFactory()

    def interrupt() -> None:
        raise KeyboardInterrupt

    inline(interrupt)
    with pytest.raises(Interrupted, match="goes on"):
        follow(job, say=lambda _line: None)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED


def test_reap_tells_what_it_took_back() -> None:
    assert "Nothing to do" in printed("reap")
    job = InferenceJobFactory()
    job.claim("worker")
    let_lease_expire(job)
    assert printed("reap") == f"requeued: {job}\n"
    assert answered("reap")["requeued"] == []


def test_evaluate_classifies_what_is_missing_and_prints_the_matrix(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    told = answered("evaluate", str(version), split="panels/s", subset="val")
    assert told["new_predictions"] == told["total"] == split.counts["images"]["val"]
    assert told["matrix"] == Evaluation.objects.get().matrix
    table = printed("evaluate", str(version), split="panels/s")
    assert "macro-F1" in table
    assert all(name in table for name in version.classes)


def test_compare_prints_scores_and_the_difference(split: Split) -> None:
    worse, better = ModelVersionFactory(), ModelVersionFactory()
    predict_all(worse, images_in(split, "test"), wrong=2)
    predict_all(better, images_in(split, "test"))
    told = printed("compare", str(worse), str(better), split="s")
    assert f"{better} against {worse}: 2 images fixed, 0 broken" in told
    assert answered("compare", str(worse), str(better), split="s")["broken"] == []


def test_scores_of_a_leaking_split_are_printed_with_a_warning() -> None:
    dataset = labelled_dataset(slug="leaky", per_paper=6)
    leaky = make_split(dataset, name="leaky", ratios="2:1:1", by="image")
    one, other = (ModelVersionFactory(split=leaky) for _ in range(2))
    for version in (one, other):
        predict_all(version, dataset.images.all())
    warning = "Warning: The split leaky/leaky leaks: of its "
    assert warning in printed("evaluate", str(one), split="leaky")
    with pytest.raises(CommandError, match=rf"{one} has seen \d+ of the \d+ \(papers 0"):
        printed("compare", str(one), str(other), split="leaky")
    compared = printed("compare", str(one), str(other), split="leaky", despite_leaks=True)
    assert compared.count(warning) == 1
    for told in (
        answered("evaluate", str(one), split="leaky"),
        answered("compare", str(one), str(other), split="leaky", despite_leaks=True),
    ):
        assert told["leaks"] is True
        (sentence,) = told["warnings"]
        assert sentence.endswith("Scores will be too good.")


def test_scores_of_a_fair_split_are_printed_without_a_warning(split: Split) -> None:
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"))
    assert "Warning" not in printed("evaluate", str(version), split="s")
    told = answered("evaluate", str(version), split="s")
    assert (told["leaks"], told["warnings"]) == (False, [])


def test_promote_and_rollback_say_what_answers(split: Split) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    printed("promote", str(first), reason="first")
    assert printed("promote", str(second), reason="better") == f"champion is {second} (before: {first})\n"
    assert answered("rollback")["version"] == str(first)
    with pytest.raises(CommandError, match="first to be champion"):
        printed("rollback")


def test_classify_names_files_as_given(tmp_path: Any) -> None:
    ModelVersionFactory(answers=True)
    image, text = tmp_path / "a.png", tmp_path / "b.txt"
    image.write_bytes(png(1))
    text.write_text("text")
    told = answered("classify", str(image), str(text))
    assert [result["file"] for result in told["results"]] == [str(image), str(text)]
    assert told["results"][1]["error"]["code"] == "format_not_allowed"
    with pytest.raises(CommandError, match="None of the files"):
        printed("classify", str(text))
    with pytest.raises(CommandError, match=r"none\.png: The file cannot be read: No such file"):
        printed("classify", str(tmp_path / "none.png"))


def test_classify_walks_folders_and_takes_more_than_one_request_does(tmp_path: Any) -> None:
    version = ModelVersionFactory(answers=True)
    given = tmp_path / "given"
    for number in range(40):
        place = given / f"PMC{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:02}.png").write_bytes(png(number))
    (given / "PMC0" / "notes.txt").write_text("text")
    (given / ".hidden").mkdir()
    (given / ".hidden" / "x.png").write_bytes(png(1))
    told = answered("classify", str(given), str(given / "gone.png"))
    names = [result["file"] for result in told["results"]]
    assert names[:2] == [str(given / "PMC0" / "00.png"), str(given / "PMC0" / "03.png")]
    assert len(names) == 41
    assert told["results"][-1]["error"]["code"] == "unreadable"
    assert told["model"]["id"] == version.pk
    table = printed("classify", str(given))
    assert "40 files: " in table
    assert "Left out of the folders: 1 file of another kind." in table
    with pytest.raises(CommandError, match="There is no PNG, JPEG or TIFF file in"):
        (tmp_path / "empty").mkdir()
        printed("classify", str(tmp_path / "empty"))


def test_a_token_is_printed_once_and_replaces_the_one_before() -> None:
    user = UserFactory()
    first = answered("create_token", user.username)
    second = answered("create_token", user.username, name="laptop")
    assert (first["replaced"], second["replaced"]) == (False, True)
    assert Token.objects.get().key == second["token"] != first["token"]
    with pytest.raises(CommandError, match="no user 'nobody'"):
        printed("create_token", "nobody")


def test_a_named_token_says_that_a_user_has_one_and_its_name_is_not_kept() -> None:
    told = StringIO()
    user = UserFactory()
    for name in ("desk", "laptop"):
        call_command("create_token", user.username, name=name, stdout=StringIO(), stderr=told)
    assert "The name 'laptop' is not kept: a user has one token." in told.getvalue()
    assert "The token that this user had before works no longer" in told.getvalue()


def test_without_a_broker_no_worker_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(workers.current_app.control, "inspect", refuse)
    assert workers.alive_workers("training") == []


def test_predictions_of_another_version_are_not_counted(split: Split, inline: Any) -> None:
    PredictionFactory(image=split.dataset.images.first())
    ModelVersionFactory(answers=True)
    inline(lambda: tasks.infer(InferenceJob.objects.latest("id").pk))
    assert answered("classify_dataset", "panels", wait=True)["new"] == 24
    assert Prediction.objects.count() == 25
