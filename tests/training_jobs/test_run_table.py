"""The table of runs side by side, and the page that compares them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from classifier.networks.config import FIELDS, TrainingConfig
from datasets.models import Split
from datasets.templatetags.showing import NONE
from tests.factories import UserFactory
from tests.factories_models import TrainingRunFactory, labelled_dataset, split_of
from tests.training_jobs.test_pages_training import add_epochs, succeeded
from training_jobs.admin import compare_runs
from training_jobs.admin.run_table import RunTable, run_table
from training_jobs.models import EpochMetric, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
PAGE = "/training/compare/?dataset=d"


def a_run(split: Split, /, *, state: str = "cancelled", epochs: int = 0, **settings: Any) -> TrainingRun:
    """A run with all settings recorded, of which only these are not the defaults."""
    config = {**TrainingConfig.defaults("cnn").as_dict(), "epochs": 3, **settings}
    run = TrainingRunFactory(split=split, state=state, attempt=1, config=config, name=f"run{epochs}")
    add_epochs(run, epochs, best=epochs)
    return run


def table_of(*runs: TrainingRun, asked: str = "", chosen: Any = None) -> RunTable:
    """The table of some runs, as an address asks for it."""
    return run_table(runs, UserFactory(is_superuser=True), asked=QueryDict(asked), chosen=chosen)


def ids(table: RunTable) -> list[int]:
    """The runs, from the top."""
    return [row.run.pk for row in table.rows]


def keys(table: RunTable) -> list[str]:
    """The columns, from the left."""
    return [column.key for column in table.columns]


def told(table: RunTable, key: str) -> list[str]:
    """What a column says, from the top."""
    return [cell.told for row in table.rows for cell in row.cells if cell.column.key == key]


def test_every_setting_has_a_column_with_its_help(split: Split) -> None:
    table = table_of(a_run(split), asked="equal=shown")
    outcomes = ["run", "state", "split", "best", "test", "took", "architecture"]
    assert keys(table) == [*outcomes, *(name for name in FIELDS if name != "architecture")]
    helps = {column.key: (column.label, column.help) for column in table.columns}
    assert helps["dropout"] == (FIELDS["dropout"].label, FIELDS["dropout"].help)
    assert all(len(row.cells) == len(table.columns) for row in table.rows)


def test_columns_in_which_all_agree_are_hidden_unless_asked_for(split: Split) -> None:
    runs = a_run(split, dropout=0.1), a_run(split, dropout=0.3)
    table = table_of(*runs)
    assert keys(table) == ["run", "dropout"] and table.hides_equal
    assert {cell.column.key: cell.told for cell in table.equal}["epochs"] == "3"
    shown = table_of(*runs, asked="equal=shown")
    assert "epochs" in keys(shown) and not shown.hides_equal
    # What a form without a script sends where its box is ticked.
    assert keys(table_of(*runs, asked="equal=shown&equal=hidden")) == ["run", "dropout"]
    # One run agrees with itself in all: nothing is hidden for that.
    assert len(keys(table_of(runs[0]))) > 20


def test_a_setting_that_does_not_apply_or_was_not_recorded_is_a_dash(split: Split) -> None:
    plain = a_run(split, augment=False)
    older = TrainingRunFactory(split=split, config={"architecture": "cnn", "epochs": 3})
    table = table_of(plain, older, asked="equal=shown&sort=run")
    assert told(table, "turn") == [NONE, NONE]
    assert told(table, "views") == [NONE, NONE]
    assert told(table, "dropout") == ["0.25", NONE]
    assert told(table, "augment") == ["no", NONE]


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("", [2, 1, 0]),
        ("run", [0, 1, 2]),
        ("learning_rate", [1, 2, 0]),
        ("-learning_rate", [0, 2, 1]),
        ("best", [2, 1, 0]),
        ("-best", [1, 2, 0]),
        ("-balance", [0, 1, 2]),
        ("nothing", [2, 1, 0]),
    ],
)
def test_rows_are_sorted_by_any_column_what_has_nothing_in_it_last(
    split: Split, by: str, order: list[int]
) -> None:
    runs = [
        a_run(split, learning_rate=0.5, balance="weights"),
        a_run(split, learning_rate=0.00002, balance="none", epochs=9),
        a_run(split, learning_rate=0.1, balance="papers", epochs=2),
    ]
    assert ids(table_of(*runs, asked=f"sort={by}")) == [runs[place].pk for place in order]


def test_a_heading_sorts_by_its_column_and_again_the_other_way_keeping_the_rest(split: Split) -> None:
    runs = a_run(split, epochs=1), a_run(split, epochs=2)
    columns = {each.key: each for each in table_of(*runs, asked="dataset=d&sort=-best&run=3").columns}
    assert columns["best"].sorted == "descending"
    assert columns["best"].address == "?dataset=d&sort=best&run=3"
    assert columns["run"].sorted == "" and columns["run"].address == "?dataset=d&sort=-run&run=3"


def test_the_page_shows_runs_of_the_dataset_with_scores_and_settings(as_role: Any, split: Split) -> None:
    elsewhere = TrainingRunFactory(name="unrelated")
    run = succeeded(split, config=TrainingConfig.defaults("cnn").as_dict())
    add_epochs(run, 3, best=2)
    a_run(split, state="running", dropout=0.5)
    page = as_role("viewer").get(PAGE).content.decode()
    assert "unrelated" not in page and f"/training/{elsewhere.pk}/" not in page
    assert f'href="/models/{run.version.pk}/">{run.version.evaluations.get().macro_f1:.3f}' in page
    assert "accuracy, epoch 2" in page and "1 min 35 s" in page
    assert 'id="sort-dropout"' in page and 'id="sort-seed"' not in page
    assert "The same in all 2 runs" in page
    every = as_role("viewer").get(f"{PAGE}&equal=shown").content.decode()
    assert 'id="sort-seed"' in every and "The same in all" not in every


def test_runs_are_filtered_by_state_and_architecture(as_role: Any, split: Split) -> None:
    a_run(split, epochs=1)
    running = a_run(split, state="running", epochs=2)
    client = as_role()
    assert ids(client.get(f"{PAGE}&state=running").context["table"]) == [running.pk]
    assert (
        "No run of this dataset is like that." in client.get(f"{PAGE}&architecture=resnet50").content.decode()
    )
    assert len(ids(client.get(f"{PAGE}&state=odd").context["table"])) == 2


def test_two_hundred_runs_stand_on_a_page_and_the_way_to_older_ones_keeps_the_choice(
    as_role: Any, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_runs, "ROWS", 2)
    runs = [a_run(split, epochs=1) for _ in range(3)]
    answer = as_role().get(f"{PAGE}&run={runs[0].pk}&sort=best")
    assert sorted(ids(answer.context["table"])) == [run.pk for run in runs[1:]]
    (older,) = re.findall(r'href="([^"]*before=[^"]*)"', answer.content.decode())
    answer = as_role().get("/training/compare/" + older.replace("&amp;", "&"))
    assert ids(answer.context["table"]) == [runs[0].pk]
    assert [curve.run for curve in answer.context["curves"]] == [runs[0]]
    assert answer.context["sort"] == "best" and "Newest" in answer.content.decode()


def chosen(answer: Any) -> list[int]:
    """The runs whose curves a page draws."""
    return [curve["run"] for curve in answer.context["drawn"]["curves"]]


def test_the_newest_runs_with_epochs_are_drawn_at_first(as_role: Any, split: Split) -> None:
    runs = [a_run(split, epochs=2) for _ in range(6)]
    a_run(split, state="queued")
    answer = as_role().get(PAGE)
    assert chosen(answer) == [run.pk for run in reversed(runs[2:])]
    assert answer.content.decode().count(" checked>") == 4 + 1


def test_the_address_chooses_what_is_drawn_in_its_order_and_up_to_eight(as_role: Any, split: Split) -> None:
    runs = [a_run(split, epochs=2) for _ in range(9)]
    client = as_role()
    answer = client.get(f"{PAGE}&run={runs[3].pk}&run={runs[1].pk}&run={runs[3].pk}&run=x&run=99999")
    assert chosen(answer) == [runs[3].pk, runs[1].pk]
    assert f'run={runs[1].pk}" aria-label="Leave run {runs[3].pk} out"' in answer.content.decode()
    assert chosen(client.get(f"{PAGE}&run=none")) == []
    every = client.get(PAGE + "".join(f"&run={run.pk}" for run in runs))
    assert chosen(every) == [run.pk for run in runs[:8]]
    assert f'aria-label="Draw the curves of run {runs[8].pk}" disabled' in every.content.decode()
    lines = [(each["colour"], tuple(each["dash"])) for each in every.context["drawn"]["curves"]]
    assert len({colour for colour, _ in lines}) == len({dash for _, dash in lines}) == 8


def test_a_curve_is_of_the_latest_attempt_and_the_table_behind_it_has_its_numbers(
    as_role: Any, split: Split
) -> None:
    run = a_run(split, epochs=3)
    add_epochs(run, 2, attempt=2, best=1)
    TrainingRun.objects.filter(pk=run.pk).update(attempt=2)
    other = a_run(split, epochs=1)
    answer = as_role().get(f"{PAGE}&run={run.pk}&run={other.pk}&score=val_accuracy")
    first = answer.context["drawn"]["curves"][0]
    assert [epoch["epoch"] for epoch in first["epochs"]] == [1, 2] and first["best"] == 1
    assert answer.context["score_table"] == [(1, [0.501, 0.501]), (2, [0.502, None])]
    assert answer.context["drawn"]["score"] == "val_accuracy"
    assert as_role().get(f"{PAGE}&score=odd").context["score"] == "val_macro_f1"


def test_runs_of_another_dataset_are_not_drawn_and_who_is_signed_out_sees_nothing(
    as_role: Any, client: Any, split: Split
) -> None:
    other = split_of(labelled_dataset(slug="other"))
    elsewhere = TrainingRunFactory(split=other, state="cancelled", attempt=1)
    add_epochs(elsewhere, 2)
    a_run(split, epochs=1)
    assert chosen(as_role().get(f"{PAGE}&run={elsewhere.pk}")) == []
    assert client.get(PAGE)["Location"].startswith("/admin/login/")


def test_a_page_without_runs_offers_the_way_to_one(as_role: Any, split: Split) -> None:
    assert "/training/new/?dataset=d" in as_role().get(PAGE).content.decode()
    viewer = as_role("viewer").get(PAGE).content.decode()
    assert "No run to compare yet" in viewer and "/training/new/" not in viewer
    a_run(split)
    listed = as_role().get("/training/?dataset=d").content.decode()
    assert 'href="/training/compare/?dataset=d"' in listed


def test_a_long_table_is_read_with_few_queries(
    as_role: Any, split: Split, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        a_run(split, epochs=2)
    client = as_role()
    client.get(PAGE)
    with django_assert_max_num_queries(24):
        client.get(PAGE)
    assert EpochMetric.objects.count() == 24


def test_how_far_runs_are_is_said_beneath_their_state(as_role: Any, split: Split) -> None:
    queued = a_run(split, state="queued")
    TrainingRunFactory(split=split, state="running", done=3, total=12, started_at=timezone.now())
    failed = TrainingRunFactory(split=split, state="failed", error_code="diverged")
    TrainingRun.objects.filter(pk=failed.pk).update(started_at=timezone.now() - timedelta(seconds=9))
    page = as_role().get(PAGE).content.decode()
    for sentence in ("number 1 in the queue", "25 %", "diverged"):
        assert sentence in page
    assert f'id="run-{queued.pk}"' in page
