"""Predictions that a person accepts as labels."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from classifier.accepting import accept_predictions
from classifier.models import ModelVersion
from datasets.errors import Refused
from datasets.labelling import correct_label, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, LabelBatch, Split
from datasets.splitting import make_split, plan_split
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, UserFactory
from tests.factories_models import ModelVersionFactory, PredictionFactory, labelled_dataset, predict_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Any:
    """A person."""
    return UserFactory(username="ana")


@pytest.fixture
def images() -> list[Image]:
    """One labelled FAC, one BlotGel, three without a label, the last of them excluded."""
    paper = PaperFactory(dataset__slug="d")
    excluded = [False, False, False, False, True]
    labels = ["FAC", "BlotGel", None, None, None]
    return [
        ImageFactory(paper=paper, label=label, excluded=out)
        for label, out in zip(labels, excluded, strict=True)
    ]


@pytest.fixture
def version(images: list[Image]) -> ModelVersion:
    """demo@1 says FAC of all but the fourth image, of which it says nothing."""
    made = ModelVersionFactory(name="demo", version=1)
    for image in (*images[:3], images[4]):
        PredictionFactory(version=made, image=image, predicted="FAC")
    return made


def seen(images: list[Image]) -> list[tuple[int, int]]:
    return [(image.pk, image.version) for image in images]


def newest(image: Image) -> Label:
    return Label.objects.filter(image=image).order_by("-version")[0]


def labels() -> list[str | None]:
    return list(Image.objects.order_by("pk").values_list("label__name", flat=True))


def test_each_image_gets_what_the_version_said(images: list[Image], version: ModelVersion, ana: Any) -> None:
    done = accept_predictions(
        seen(images), dataset=images[0].dataset, version=version, author=ana, reason="sure"
    )
    assert (done.changed, done.unchanged, done.stale) == (2, 1, [])
    assert vars(done.skipped) == {"no_prediction": 1, "no_such_class": 0, "excluded": 1}
    assert done.moves == {("BlotGel", "FAC"): 1, (None, "FAC"): 1}
    assert done.by_class == {"FAC": 2}
    assert labels() == ["FAC", "FAC", "FAC", None, None]
    row = newest(images[1])
    assert (row.source, row.origin, row.author, row.reason) == ("prediction", "demo@1", ana, "sure")
    assert row.batch == done.batch
    # What was labelled so already keeps who said it.
    assert newest(images[0]).source == Label.Source.IMPORTED


def test_a_dry_run_counts_the_same_and_writes_nothing(
    images: list[Image], version: ModelVersion, ana: Any
) -> None:
    asked: dict[str, Any] = {"dataset": images[0].dataset, "version": version, "author": ana}
    before = (labels(), Label.objects.count(), LabelBatch.objects.count())
    preview = accept_predictions(seen(images), **asked, dry_run=True)
    assert preview.batch is None
    assert (labels(), Label.objects.count(), LabelBatch.objects.count()) == before
    done = accept_predictions(seen(images), **asked)
    for figure in ("changed", "unchanged", "stale", "skipped", "moves"):
        assert getattr(preview, figure) == getattr(done, figure)


def test_what_somebody_changed_meanwhile_stays_theirs(
    images: list[Image], version: ModelVersion, ana: Any
) -> None:
    dataset = images[0].dataset
    looked_at = seen(images)
    correct_label(
        images[1], label=dataset.class_named("Microscopy"), excluded=False, author=ana, expected_version=1
    )
    done = accept_predictions(looked_at, dataset=dataset, version=version, author=UserFactory())
    assert done.changed == 1
    assert [(each["id"], each["label"], each["by"]) for each in done.stale] == [
        (images[1].pk, "Microscopy", "ana")
    ]
    assert labels()[1] == "Microscopy"


def test_a_class_is_known_by_its_aliases_and_a_stranger_is_skipped(ana: Any) -> None:
    image, other = ImageFactory(paper__dataset__slug="d"), None
    other = ImageFactory(paper=image.paper)
    version = ModelVersionFactory(classes=["FACS", "Cartoon"])
    PredictionFactory(version=version, image=image, predicted="FACS")
    PredictionFactory(version=version, image=other, predicted="Cartoon")
    done = accept_predictions(seen([image, other]), dataset=image.dataset, version=version, author=ana)
    assert labels() == ["FAC", None]
    assert vars(done.skipped) == {"no_prediction": 0, "no_such_class": 1, "excluded": 0}


def test_another_version_and_another_dataset_say_nothing_here(
    images: list[Image], version: ModelVersion, ana: Any
) -> None:
    for asked in (
        {"dataset": images[0].dataset, "version": ModelVersionFactory()},
        {"dataset": DatasetFactory(), "version": version},
    ):
        done = accept_predictions(seen(images), author=ana, **asked)
        assert (done.batch, done.changed, done.skipped.no_prediction) == (None, 0, 5)
    assert labels() == ["FAC", "BlotGel", None, None, None]


def test_undo_and_redo_bring_back_who_said_it(images: list[Image], version: ModelVersion, ana: Any) -> None:
    dataset = images[0].dataset
    done = accept_predictions(seen(images), dataset=dataset, version=version, author=ana)
    assert done.batch
    undo_batch(done.batch, author=ana)
    row = newest(images[1])
    assert (row.label_class, row.source, row.origin) == (
        dataset.class_named("BlotGel"),
        Label.Source.IMPORTED,
        "",
    )
    assert newest(images[2]).label_class is None
    redo_batch(done.batch, author=ana)
    assert (newest(images[1]).source, newest(images[1]).origin) == ("prediction", "demo@1")


def test_excluding_leaves_what_stands_behind_the_class(
    images: list[Image], version: ModelVersion, ana: Any
) -> None:
    dataset = images[0].dataset
    accept_predictions(seen(images[1:2]), dataset=dataset, version=version, author=ana)
    for excluded in (True, False):
        image = Image.objects.get(pk=images[1].pk)
        correct_label(image, label=image.label, excluded=excluded, author=ana, expected_version=image.version)
        row = newest(image)
        assert (row.excluded, row.source, row.origin) == (excluded, "prediction", "demo@1")
    relabel_batch(
        Image.objects.filter(pk=images[1].pk),
        dataset=dataset,
        label=dataset.class_named("Microscopy"),
        excluded=False,
        author=ana,
    )
    assert (newest(images[1]).source, newest(images[1]).origin) == ("person", "")


def test_a_reason_that_is_too_long_is_refused_in_a_dry_run_too(
    images: list[Image], version: ModelVersion, ana: Any
) -> None:
    for dry_run in (True, False):
        with pytest.raises(Refused, match="501 characters"):
            accept_predictions(
                seen(images),
                dataset=images[0].dataset,
                version=version,
                author=ana,
                reason="x" * 501,
                dry_run=dry_run,
            )


def test_accepting_takes_a_query_or_two_a_chunk_not_one_an_image(
    ana: Any, django_assert_max_num_queries: Any
) -> None:
    dataset = labelled_dataset(papers=10, per_paper=8)
    version = ModelVersionFactory()
    predict_all(version, Image.objects.all(), wrong=60)
    pairs = list(Image.objects.values_list("pk", "version"))
    with django_assert_max_num_queries(16):
        assert accept_predictions(pairs, dataset=dataset, version=version, author=ana).changed == 60


@pytest.fixture
def half_accepted(ana: Any) -> Dataset:
    """A dataset of six papers with four labels each; those of the last three were accepted from a model."""
    dataset = labelled_dataset(slug="panels")
    version = ModelVersionFactory()
    late = Image.objects.filter(paper__identifier__in="345")
    predict_all(version, late, wrong=12)
    accept_predictions(list(late.values_list("pk", "version")), dataset=dataset, version=version, author=ana)
    return dataset


def test_a_split_can_leave_accepted_labels_out(half_accepted: Dataset) -> None:
    everything = make_split(half_accepted, name="all", ratios="1:1:1")
    assert (everything.members.count(), everything.without_accepted) == (24, False)
    split = make_split(half_accepted, name="own", ratios="1:1:1", without_accepted=True)
    assert split.without_accepted
    papers = set(split.members.values_list("image__paper__identifier", flat=True))
    assert papers == {"0", "1", "2"}
    assert "Left out: 12 images labelled by accepting a prediction." in split.warnings


def test_the_label_of_the_cut_off_decides_what_was_accepted(half_accepted: Dataset, ana: Any) -> None:
    batch = LabelBatch.objects.get(kind=LabelBatch.Kind.ACCEPT)
    undo_batch(batch, author=ana)
    plan = plan_split(half_accepted, ratios="1:1:1", without_accepted=True)
    assert len(plan.assignment) == 24
    assert not any("Left out" in sentence for sentence in plan.warnings)


def test_where_every_label_was_accepted_no_split_is_made(images: list[Image], ana: Any) -> None:
    dataset = DatasetFactory(slug="all")
    image = ImageFactory(dataset=dataset, paper=None)
    version = ModelVersionFactory()
    PredictionFactory(version=version, image=image, predicted="FAC")
    accept_predictions(seen([image]), dataset=dataset, version=version, author=ana)
    with pytest.raises(Refused, match="accepted from a model") as raised:
        make_split(dataset, name="s", without_accepted=True)
    assert raised.value.code == "empty_dataset"


def test_the_command_leaves_accepted_labels_out(half_accepted: Dataset) -> None:
    told = StringIO()
    call_command(
        "make_split", "panels", name="own", ratios="1:1:1", without_accepted=True, json=True, stdout=told
    )
    split = json.loads(told.getvalue())
    assert split["without_accepted"] is True
    assert sum(split["counts"]["images"].values()) == 12
    assert Split.objects.get().without_accepted


def test_the_form_of_a_split_leaves_accepted_labels_out_and_its_page_says_so(
    half_accepted: Dataset, client: Client, user_in_role: Callable[[str], User]
) -> None:
    client.force_login(user_in_role("curator"))
    asked = {"dataset": "panels", "ratios": "1:1:1", "without_accepted": "on"}
    plan = client.get("/splits/new/", asked).content.decode()
    assert "Left out: 12 images labelled by accepting a prediction." in plan
    form = plan[plan.index('class="panel freeze"') :]
    assert '<input type="hidden" name="without_accepted" value="on">' in form
    sent = {"action": "freeze", "name": "own", "ratios": "1:1:1", "without_accepted": "on"}
    page = client.post("/splits/new/?dataset=panels", sent, follow=True).content.decode()
    split = Split.objects.get()
    assert (split.without_accepted, split.members.count()) == (True, 12)
    assert "by people and imports; accepted predictions were left out" in page
    assert "without_accepted=on" in page[page.index("a new split made the same way") - 200 :]


def test_the_image_page_says_which_version_was_believed(
    images: list[Image], version: ModelVersion, ana: Any, client: Client, user_in_role: Callable[[str], User]
) -> None:
    accept_predictions(seen(images), dataset=images[0].dataset, version=version, author=ana)
    client.force_login(user_in_role("viewer"))
    page = client.get(f"/images/{images[1].pk}/").content.decode()
    assert "ana, accepted prediction of demo@1" in page
