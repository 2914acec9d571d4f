"""Queues over REST: what each kind holds, taken and decided, and what a blind one does not tell."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.aliases import promote
from datasets.models import Dataset, Image, Label, LabelBatch, Queue
from datasets.purging import purge_dataset
from datasets.queues.asking import ask_second_opinion
from tests.factories_models import ModelVersionFactory, PredictionFactory, labelled_dataset
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
# What the version says of the first images, labelled BlotGel and Microscopy in turn: (class, confidence).
SAID = (("BlotGel", 0.9), ("FAC", 0.8), ("FAC", 0.95), ("Microscopy", 0.31), ("BlotGel", 0.4))


@pytest.fixture
def dataset() -> Dataset:
    """Eight labelled images; the champion has said something of five."""
    made = labelled_dataset(slug="d", papers=2, per_paper=4)
    version = ModelVersionFactory()
    for image, (predicted, confidence) in zip(made.images.order_by("pk"), SAID, strict=False):
        PredictionFactory(version=version, image=image, predicted=predicted, confidence=confidence)
    promote(version, reason="the first", author=None)
    return made


@pytest.fixture
def ids(dataset: Dataset) -> list[int]:
    """The images in order."""
    return list(dataset.images.order_by("pk").values_list("pk", flat=True))


def make(client: APIClient, kind: str, **given: Any) -> Any:
    return client.post(f"{API}queues/", {"dataset": "d", "kind": kind, **given}, format="json")


def made(client: APIClient, kind: str, **given: Any) -> dict[str, Any]:
    response = make(client, kind, **given)
    assert response.status_code == 201, response.content
    return dict(response.json())


def post(client: APIClient, queue: Any, what: str, **body: Any) -> Any:
    return client.post(f"{API}queues/{queue}/{what}/", body, format="json")


def taken(client: APIClient, queue: Any, **body: Any) -> list[dict[str, Any]]:
    response = post(client, queue, "take", **body)
    assert response.status_code == 200, response.content
    return list(response.json()["images"])


def decide(client: APIClient, queue: Any, **deed: Any) -> dict[str, Any]:
    response = post(client, queue, "decide", deeds=[deed])
    assert response.status_code == 200, response.content
    return dict(response.json()["results"][0])


def seen(*images: dict[str, Any]) -> list[dict[str, int]]:
    return [{"id": each["id"], "version": each["version"]} for each in images]


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("disagreements", [2, 1]),
        ("uncertain", [3, 4, 1, 0, 2]),
        ("suspect", [2, 1]),
        ("filter", [0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_queue_holds_what_its_kind_says_in_its_order(
    api: Api, ids: list[int], kind: str, places: list[int]
) -> None:
    client = api()
    # The fifth image is labelled BlotGel and the model says so: nothing differs but the two said to be FAC.
    queue = made(client, kind)
    assert [ids.index(each["id"]) for each in taken(client, queue["id"])] == places
    assert queue["progress"]["total"] == len(places)


def test_mixed_and_unlabelled_images_are_found(api: Api, dataset: Dataset, ids: list[int]) -> None:
    Image.objects.filter(pk=ids[6]).update(label=None)
    Image.objects.filter(pk__in=ids[:2]).update(mixed=True)
    Image.objects.filter(pk=ids[1]).update(excluded=True)
    client = api()
    for kind, places in (("unlabelled", [6]), ("mixed", [0])):
        queue = made(client, kind)["id"]
        assert [ids.index(each["id"]) for each in taken(client, queue)] == places


def test_a_sample_is_random_and_its_seed_gives_it_again(api: Api, ids: list[int]) -> None:
    client = api()
    first, again, other = (made(client, "audit", size=4, seed=seed) for seed in (5, 5, 6))
    members = [
        list(Queue.objects.get(pk=each["id"]).items.values_list("image", flat=True))
        for each in (first, again, other)
    ]
    assert members[0] == members[1] != members[2]
    assert (first["population"], first["population_by_class"]) == (8, {"BlotGel": 4, "Microscopy": 4})
    assert made(client, "audit")["seed"] is not None


def test_a_filter_narrows_any_kind(api: Api, ids: list[int]) -> None:
    queue = made(api(), "uncertain", filter={"label": "Microscopy"}, name="Cells")
    assert (queue["name"], queue["progress"]["total"]) == ("Cells", 2)
    assert queue["query"]["label"] == "Microscopy"


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"kind": "unlabelled"}, 409, "nothing_to_do"),
        ({"kind": "settle"}, 400, "invalid"),
        ({"kind": "filter", "filter": {"lable": "FAC"}}, 400, "invalid"),
        ({"kind": "filter", "filter": {"ordering": "colour"}}, 400, "invalid"),
        ({"kind": "filter", "filter": {"ordering": "margin"}}, 400, "invalid"),
        ({"kind": "filter", "filter": {"label": "Nothing"}}, 400, "invalid"),
        ({"kind": "uncertain", "model": "nobody"}, 404, "unknown_model"),
        ({"kind": "audit", "dataset": "other"}, 404, "unknown_dataset"),
        ({"kind": "audit", "size": 0}, 400, "invalid"),
        ({"kind": "audit", "seed": -1}, 400, "invalid"),
    ],
)
def test_what_makes_no_queue_is_refused_and_leaves_none(
    api: Api, dataset: Dataset, given: dict[str, Any], status: int, code: str
) -> None:
    assert_error(make(api(), **given), status, code)
    assert not Queue.objects.exists()


def test_a_model_that_has_not_seen_the_dataset_ranks_nothing(api: Api, dataset: Dataset) -> None:
    newer = ModelVersionFactory()
    assert_error(make(api(), "suspect", model=str(newer)), 409, "no_predictions")
    assert_error(make(api(), "suspect", filter={"label": "FAC"}), 409, "nothing_to_do")


def test_images_are_kept_changed_skipped_and_accepted(api: Api, ids: list[int]) -> None:
    client = api("curator")
    queue = made(client, "filter", filter={"model": "champion"})["id"]
    images = taken(client, queue)
    assert images[1]["prediction"] == {"label": "FAC", "confidence": 0.8}
    assert decide(client, queue, images=seen(images[0]), keep=True)["changed"] == 1
    assert decide(client, queue, images=seen(images[5]), label="Macroscopy", reason="seen")["changed"] == 1
    assert decide(client, queue, images=seen(images[6]), skip=True)["changed"] == 1
    accepted = decide(client, queue, images=seen(images[1], images[7]), accept=True)
    assert accepted["changed"] == 1
    rows = dict(Queue.objects.get(pk=queue).items.values_list("place", "outcome"))
    assert [rows[place] for place in (0, 1, 5, 6, 7)] == ["kept", "changed", "changed", "open", "open"]
    assert Label.objects.get(image=ids[1], version=2).source == "prediction"
    progress = client.get(f"{API}queues/{queue}/").json()["progress"]
    assert (progress["done"], progress["skipped"], progress["kept"]) == (3, 1, 1)


def test_a_deed_sent_again_is_done_once(api: Api, ids: list[int]) -> None:
    client = api()
    queue = made(client, "filter")["id"]
    images = taken(client, queue)
    for place, what in enumerate(({"keep": True}, {"label": "FAC"}, {"skip": True})):
        deed = {"images": seen(images[place]), "key": str(uuid4()), **what}
        first, again = decide(client, queue, **deed), decide(client, queue, **deed)
        assert (first["batch"], first["changed"]) == (again["batch"], again["changed"])
    assert LabelBatch.objects.filter(key__isnull=False).count() == 3
    assert Label.objects.filter(version=2).count() == 1


def test_an_image_of_another_is_told_and_left_alone(api: Api, ids: list[int]) -> None:
    first, second = api("curator"), api("annotator")
    queue = made(first, "filter")["id"]
    hers = taken(first, queue, size=2)
    done = decide(second, queue, images=seen(hers[0]), label="FAC")
    assert (done["changed"], done["taken"]) == (0, [{"id": hers[0]["id"], "by": "curator"}])
    others = post(second, queue, "take").json()
    assert others["with_others"] == ["curator"]
    assert not {each["id"] for each in others["images"]} & {each["id"] for each in hers}
    assert post(first, queue, "release").json() == {"images": 2}
    assert post(second, queue, "hold").json() == {"images": 6}


@pytest.mark.parametrize(
    "deed",
    [{}, {"keep": True, "skip": True}, {"keep": True, "label": "FAC"}, {"label": "FAC", "accept": True}],
)
def test_a_deed_says_one_thing(api: Api, ids: list[int], deed: dict[str, Any]) -> None:
    queue = made(api(), "filter")["id"]
    response = post(api(), queue, "decide", deeds=[{"images": [{"id": ids[0], "version": 1}], **deed}])
    assert_error(response, 400, "invalid")


def test_refusals_stop_no_other_deed(api: Api, ids: list[int]) -> None:
    client = api()
    queue = made(client, "filter")["id"]
    images = taken(client, queue)
    deeds = [
        {"images": seen(images[0]), "label": "Nothing"},
        {"images": seen(images[1]), "accept": True},
        {"images": seen(images[2]), "keep": True},
    ]
    results = post(client, queue, "decide", deeds=deeds).json()["results"]
    assert [each.get("error", {}).get("code") for each in results] == ["unknown_label", "no_prediction", None]


def test_a_blind_queue_tells_nothing_of_the_label(api: Api, dataset: Dataset, ids: list[int]) -> None:
    client = api("annotator")
    queue = ask_second_opinion(dataset, ids).queue.pk
    image = taken(client, queue)[0]
    assert (image["label"], image["version"], image["state"], image["prediction"]) == (
        None,
        0,
        "unlabelled",
        None,
    )
    assert decide(client, queue, images=seen(image), keep=True)["error"]["code"] == "blind"
    assert decide(client, queue, images=seen(image), accept=True)["error"]["code"] == "no_prediction"
    key = str(uuid4())
    for _ in range(2):
        done = decide(client, queue, images=seen(image), label="FAC", key=key)
        assert (done["stale"], done["taken"]) == ([], [])
    assert Label.objects.filter(version=2).count() == 0
    settle = Queue.objects.get(kind="settle")
    assert settle.items.count() == 1
    assert [each["id"] for each in client.get(f"{API}queues/").json()["results"]] == [queue]
    assert_error(post(client, settle.pk, "take"), 404, "not_found")
    assert client.get(f"{API}second-opinions/?dataset=d").json()["pairs"] == []
    Queue.objects.filter(pk=queue).update(closed_at=timezone.now())
    pairs = client.get(f"{API}second-opinions/?dataset=d").json()["pairs"]
    assert (pairs[0]["first"], pairs[0]["second"], pairs[0]["overall"]["images"]) == (
        "import",
        "annotator",
        1,
    )
    assert_error(client.get(f"{API}second-opinions/"), 400, "invalid")


def test_second_opinions_are_asked_for_images_of_one_dataset(
    api: Api, dataset: Dataset, ids: list[int]
) -> None:
    client = api("annotator")
    other = labelled_dataset(slug="e", papers=1, per_paper=1).images.get()
    ask = f"{API}second-opinions/"
    assert client.post(ask, {"images": ids[:2]}, format="json").json()["asked"] == 2
    both = client.post(ask, {"images": [ids[0], other.pk]}, format="json")
    assert_error(both, 400, "several_datasets")
    assert_error(client.post(ask, {"images": [987654]}, format="json"), 400, "unknown_images")


def test_a_closed_queue_is_refused_and_opened_again(api: Api, ids: list[int]) -> None:
    client = api()
    queue = made(client, "filter")["id"]
    closed = client.patch(f"{API}queues/{queue}/", {"closed": True, "name": "done"}, format="json").json()
    assert (closed["closed"], closed["name"]) == (True, "done")
    assert_error(post(client, queue, "take"), 409, "queue_closed")
    assert [each["id"] for each in client.get(f"{API}queues/?closed=true").json()["results"]] == [queue]
    assert client.get(f"{API}queues/?closed=false&dataset=d").json()["results"] == []
    client.patch(f"{API}queues/{queue}/", {"closed": False}, format="json")
    assert len(taken(client, queue)) == 8


def test_the_audit_of_a_queue_is_told(api: Api, ids: list[int]) -> None:
    client = api()
    queue = made(client, "audit", size=4, seed=1)["id"]
    images = taken(client, queue)
    decide(client, queue, images=seen(*images[:3]), keep=True)
    decide(client, queue, images=seen(images[3]), label="FAC")
    found = client.get(f"{API}queues/{queue}/audit/").json()
    assert (found["overall"]["wrong"], found["overall"]["judged"], found["undecided"]) == (1, 4, 0)
    assert found["overall"]["low"] <= 1 <= found["overall"]["high"]


def test_lists_of_queues_take_few_queries(
    api: Api, ids: list[int], django_assert_max_num_queries: Any
) -> None:
    client = api()
    for _ in range(5):
        queue = made(client, "filter")["id"]
    with django_assert_max_num_queries(12):
        client.get(f"{API}queues/")
    with django_assert_max_num_queries(35):
        taken(client, queue)


def test_only_a_random_sample_tells_of_other_labels(api: Api, dataset: Dataset, ids: list[int]) -> None:
    client = api()
    for queue in (made(client, "suspect")["id"], ask_second_opinion(dataset, ids).queue.pk):
        assert_error(client.get(f"{API}queues/{queue}/audit/"), 409, "no_audit")


def test_what_a_blind_queue_was_made_of_is_not_told(api: Api, ids: list[int]) -> None:
    client = api()
    queue = made(client, "second", filter={"label": "BlotGel"}, size=2)
    assert (queue["query"], queue["population_by_class"]) == ({}, {})
    image = taken(client, queue["id"])[0]
    answer = post(client, queue["id"], "decide", deeds=[{"images": seen(image), "label": "FAC"}]).json()
    assert (answer["progress"]["done"], answer["progress"]["changed"]) == (1, None)
    assert client.get(f"{API}queues/{queue['id']}/").json()["progress"]["kept"] is None


def test_a_standing_queue_is_not_opened_beside_a_newer_one(
    api: Api, dataset: Dataset, ids: list[int]
) -> None:
    client = api()
    first = ask_second_opinion(dataset, ids[:1]).queue.pk
    client.patch(f"{API}queues/{first}/", {"closed": True}, format="json")
    ask_second_opinion(dataset, ids[:1])
    reopened = client.patch(f"{API}queues/{first}/", {"closed": False}, format="json")
    assert_error(reopened, 409, "another_open")


def test_a_ranking_keeps_its_order_whatever_the_filter_says(api: Api, ids: list[int]) -> None:
    queue = made(api(), "uncertain", filter={"ordering": "-id"})
    assert [ids.index(each["id"]) for each in taken(api(), queue["id"])] == [3, 4, 1, 0, 2]
    scores = Queue.objects.get(pk=queue["id"]).items.values_list("score", flat=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_predicted_class_that_the_dataset_lacks_is_not_accepted(
    api: Api, dataset: Dataset, ids: list[int]
) -> None:
    dataset.classes.filter(name="FAC").update(name="Flow", aliases=[])
    client = api()
    queue = made(client, "filter", filter={"model": "champion"})["id"]
    images = taken(client, queue)
    assert decide(client, queue, images=seen(images[1]), accept=True)["error"]["code"] == "no_prediction"
    assert set(Queue.objects.get(pk=queue).items.values_list("outcome", flat=True)) == {"open"}


def test_a_dataset_is_purged_with_its_queues(api: Api, dataset: Dataset, ids: list[int]) -> None:
    client = api()
    queue = ask_second_opinion(dataset, ids).queue.pk
    decide(client, queue, images=seen(*taken(client, queue)[:2]), label="FAC")
    purge_dataset(dataset)
    assert not Queue.objects.exists()
    assert not LabelBatch.objects.exists()
