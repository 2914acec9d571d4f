"""The Review page: queues to work and to start, what audits show, how far people agree."""

import html
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from classifier.aliases import promote
from datasets.intervals import count_in_population
from datasets.labelling import KEEP, relabel_batch
from datasets.models import Dataset, Image, Queue
from datasets.queues.asking import ask_second_opinion
from datasets.queues.deciding import decide, give_opinion, skip_items
from datasets.queues.making import labels_among, make_queue
from tests.factories import DatasetFactory, ImageFactory, UserFactory
from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of

pytestmark = pytest.mark.django_db
Show = Callable[..., str]
PAGE = "/review/?dataset=panels"


@pytest.fixture
def show(client: Client, user_in_role: Callable[[str], User]) -> Show:
    """Open an address in a role; return the page's words without tags."""

    def open_page(address: str = PAGE, role: str = "curator", *, raw: bool = False, status: int = 200) -> str:
        client.force_login(user_in_role(role))
        answer = client.get(address, follow=True)
        assert answer.status_code == status
        page = html.unescape(answer.content.decode())
        return page if raw else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))

    return open_page


@pytest.fixture
def dataset() -> Dataset:
    """Twenty-four labelled images."""
    return labelled_dataset(slug="panels")


def audit(dataset: Dataset, *, wrong: int = 0, right: int = 0) -> Queue:
    """A sample of twelve, some of them judged."""
    images = list(dataset.images.order_by("pk")[:12])
    queue = make_queue(
        dataset,
        kind=Queue.Kind.AUDIT,
        name="Autumn audit",
        images=[(image.pk, None) for image in images],
        population=24,
        population_by_class=labels_among(dataset.images.all()),
        seed=7,
        author=None,
    )
    author = UserFactory()
    for count, label in ((wrong, dataset.class_named("FAC")), (right, KEEP)):
        some, images = images[:count], images[count:]

        def record(pairs, label=label):  # type: ignore[no-untyped-def]
            return relabel_batch(pairs, dataset=dataset, label=label, excluded=KEEP, author=author)

        decide(queue, {image.pk: image.version for image in some}, author=author, record=record)
    return queue


def test_without_images_it_leads_to_the_import(show: Show) -> None:
    DatasetFactory(slug="panels")
    assert 'href="/imports/?dataset=panels"' in show(raw=True)


def test_without_queues_it_says_how_to_get_one(show: Show, dataset: Dataset) -> None:
    page = show()
    assert "No queue is open." in page
    assert "No sample yet." in page
    assert "No second opinion yet." in page
    assert "It needs the predictions of a model." in page


def test_with_a_model_queues_by_it_are_offered(show: Show, dataset: Dataset) -> None:
    version = ModelVersionFactory()
    page = show(raw=True)
    assert "It needs the predictions of a model." not in page
    assert page.count(f'name="model" value="{version}"') == 3
    assert set(re.findall(r'data-start="(\w+)"', page)) == set(Queue.Kind.values) - {"filter", "settle"}


def test_of_several_models_one_is_chosen_and_the_champion_stands_first_and_once(
    show: Show, dataset: Dataset
) -> None:
    first, second = ModelVersionFactory(split=split_of(dataset)), ModelVersionFactory()
    promote(first, reason="the first", override=True)
    page = show(raw=True)
    assert page.count(f'<option value="champion">champion ({first})</option><option value="{second}">') == 3
    assert f'<option value="{first}">' not in page


def test_a_card_says_how_many_images_its_queue_would_hold(show: Show, dataset: Dataset) -> None:
    page = show()
    assert "Start “Random sample for audit” 24 of 24 labels" in page
    assert "Images that have no label yet. None now: nothing to do." in page
    ImageFactory.create_batch(2, paper=dataset.papers.earliest("pk"))
    assert "Start “Unlabelled” 2 images" in show()


def test_a_card_counts_what_its_queue_then_holds(
    show: Show, dataset: Dataset, client: Client, user_in_role: Callable[[str], User]
) -> None:
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    Image.objects.filter(pk__in=ids[:3]).update(mixed=True)
    Image.objects.filter(pk=ids[0]).update(excluded=True)
    counts = re.findall(r"Start “Panel groups of several classes” (\d+) images", show())
    body = {"dataset": "panels", "kind": "mixed"}
    made = client.post("/api/v1/queues/", body, content_type="application/json").json()
    assert counts == [str(made["progress"]["total"])] == ["2"]


def test_a_queue_is_shown_with_how_far_it_is_and_the_way_in(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset, wrong=1, right=3)
    page = show()
    assert "Autumn audit" in page
    assert "4 of 12 (33 %), 1 changed" in page
    assert "Autumn audit sample from 24 Random sample for audit. Is the label right?" in page
    assert f'href="/workbench/?dataset=panels&queue={queue.pk}">Go on' in show(raw=True)


def test_an_audit_tells_its_share_and_interval(show: Show, dataset: Dataset) -> None:
    audit(dataset, wrong=2, right=10)
    page = show()
    assert "12 of 12 judged, drawn from 24 labels; seed 7" in page
    low, high = count_in_population(2, 12, 24)
    assert f"16.7 % of the labels judged are wrong. Of all 24, between {low} and {high} are" in page
    assert "2 of 12" in page
    assert "still to be judged" not in page


def test_an_audit_that_is_partly_judged_says_so(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset, wrong=1, right=3)
    skip_items(queue, list(queue.items.open().values_list("image", flat=True)[:2]), author=UserFactory())
    page = show()
    assert "8 of the sample are still to be judged" in page
    assert "2 skipped, not counted" in page


def test_an_audit_that_nobody_judged_says_what_to_do(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset)
    start = f'href="/workbench/?dataset=panels&queue={queue.pk}">Start</a>'
    assert "Decide image by image whether its label is right" in show()
    assert start in show(raw=True)
    assert start not in show(role="viewer", raw=True)


def test_what_is_left_out_is_told(show: Show, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biofors_site.pages.review.AUDITS", 2)
    monkeypatch.setattr("biofors_site.pages.review.AUDITS_SHOWN", 1)
    monkeypatch.setattr("biofors_site.pages.review.CLOSED", 1)
    for _ in range(3):
        audit(dataset, right=1)
    page = show()
    assert "Older audits 1" in page
    assert "Of 3 audits the newest 2" in page
    Queue.objects.update(closed_at=timezone.now())
    page = show()
    assert "Closed queues 3" in page
    assert "The 1 that were closed last." in page


def test_how_many_opinions_differ_is_not_told_while_they_are_given(show: Show, dataset: Dataset) -> None:
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True)[:4])
    queue = ask_second_opinion(dataset, ids).queue
    give_opinion(queue, ids[:1], label=dataset.class_named("FAC"), excluded=False, author=UserFactory())
    page = show()
    assert "Second opinions blind What do these images show?" in page
    # Between the share and what is left nothing else is told.
    assert "1 of 4 (25 %) 3 0" in page
    Queue.objects.update(closed_at=timezone.now())
    assert "1 of 4 (25 %) · closed" in show()


def test_who_gave_the_labels_of_a_blind_queue_is_not_sent_into_it(show: Show, dataset: Dataset) -> None:
    queue = ask_second_opinion(dataset, list(dataset.images.values_list("pk", flat=True)[:4])).queue
    way_in = f"&queue={queue.pk}"
    assert way_in in show(raw=True)
    queue.items.update(author_then=User.objects.get(username="curator"))
    assert way_in not in show(raw=True)
    assert "The rest is for others" in show()


def test_pairs_of_people_are_shown_with_kappa(show: Show, dataset: Dataset) -> None:
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    queue = ask_second_opinion(dataset, ids).queue
    ben = UserFactory(username="ben")
    for image in dataset.images.order_by("pk")[:8]:
        give_opinion(queue, [image.pk], label=image.label, excluded=False, author=ben)
    give_opinion(queue, ids[8:10], label=dataset.class_named("FAC"), excluded=False, author=ben)
    page = show()
    assert "import, ben 10 80 %" in page
    assert "Opinions that differ" in page


def test_annotators_are_told_of_opinions_once_their_queue_is_closed(show: Show, dataset: Dataset) -> None:
    ids = [dataset.images.order_by("pk")[0].pk]
    queue = ask_second_opinion(dataset, ids).queue
    ben = UserFactory(username="ben")
    give_opinion(queue, ids, label=dataset.class_named("FAC"), excluded=False, author=ben)
    page = show(role="annotator")
    assert "Opinions that differ" not in page
    assert "import, ben" not in page
    assert "Told once a queue of second opinions is closed" in page
    Queue.objects.filter(pk=queue.pk).update(closed_at=timezone.now())
    assert "import, ben 1" in show(role="annotator")


def test_roles_see_what_they_may_do(show: Show, dataset: Dataset) -> None:
    audit(dataset)
    assert "data-close" in show(raw=True)
    annotator = show(role="annotator", raw=True)
    assert "data-close" not in annotator and "data-start" not in annotator
    assert "&queue=" in annotator
    viewer = show(role="viewer", raw=True)
    assert "&queue=" not in viewer
    assert "once you have the role of an annotator" in viewer


def test_closed_queues_are_below_to_be_opened_again(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset)
    Queue.objects.update(closed_at=timezone.now())
    page = show(raw=True)
    assert f'data-open="{queue.pk}"' in page
    assert "No queue is open." in page


def test_a_growing_queue_is_not_opened_again_beside_the_one_that_took_its_place(
    show: Show, dataset: Dataset
) -> None:
    ids = list(dataset.images.values_list("pk", flat=True)[:4])
    first = ask_second_opinion(dataset, ids).queue
    Queue.objects.update(closed_at=timezone.now())
    assert f'data-open="{first.pk}"' in show(raw=True)
    ask_second_opinion(dataset, ids)
    page = show(raw=True)
    assert f'data-open="{first.pk}"' not in page
    assert "Another took its place" in page


@pytest.mark.parametrize("queue", ["987654", "x", "9" * 40])
def test_an_unknown_queue_is_a_page_that_says_so(show: Show, dataset: Dataset, queue: str) -> None:
    assert "There is no queue" in show(f"/workbench/?dataset=panels&queue={queue}", status=404)


def test_a_closed_queue_says_so_in_the_workbench(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset)
    Queue.objects.update(closed_at=timezone.now())
    page = show(f"/workbench/?dataset=panels&queue={queue.pk}", status=409)
    assert "“Autumn audit” is closed." in page


def test_who_may_not_decide_is_told_which_role_does(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset)
    page = show(f"/workbench/?dataset=panels&queue={queue.pk}", role="viewer", status=403)
    assert "ask for the role of an annotator" in page


def test_a_queue_of_another_dataset_puts_its_own_in_use(show: Show, dataset: Dataset) -> None:
    queue = audit(dataset)
    DatasetFactory(slug="other")
    page = show(f"/workbench/?dataset=other&queue={queue.pk}", raw=True)
    assert '<option value="panels" selected>' in page


def test_home_tells_of_open_queues(show: Show, dataset: Dataset) -> None:
    assert "queue" not in re.sub(r"queued", "", show("/?dataset=panels")).split("Review")[-1]
    audit(dataset)
    assert 'href="/review/?dataset=panels"' in show("/?dataset=panels", raw=True)
    assert "1 queue open" in show("/?dataset=panels")
