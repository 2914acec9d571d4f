"""A queue: images in an order, for people to decide on one after the other, each by one person."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from datasets.models.label import LabelBatch
from datasets.visibility import VisibleQuerySet

# How long an image stays with the person who took it; an open page asks for more in time.
LEASE = timedelta(minutes=5)
# Who may settle where opinions differ, and see what is open of it.
SETTLES = "datasets.change_queue"


class QueueQuerySet(VisibleQuerySet["Queue"]):
    """Sets of queues."""

    def visible_to(self, user: Any) -> Self:
        """Those of people who see queues; how many opinions differ would tell annotators of labels."""
        seen = super().visible_to(user)
        return seen if user.has_perm(SETTLES) else seen.exclude(kind=Queue.Kind.SETTLE)


class Queue(models.Model):
    """A fixed list of images with a question to each: is this label right, or which is?

    `query` holds the parameters that chose the images, `model` the version ("demo@1") that ranked them,
    `population` how many images the list was taken from and `population_by_class` how many of them had each
    label. A sample (`seed` is given) is random: what is found in it holds for its population. In a blind
    queue nobody sees the label in force: what people say there is an opinion (`QueueItem.said`) and changes
    no label.
    """

    class Kind(models.TextChoices):
        """What the queue is for."""

        FILTER = "filter", "Images of a filter"
        UNLABELLED = "unlabelled", "Unlabelled"
        DISAGREEMENTS = "disagreements", "Model and label disagree"
        UNCERTAIN = "uncertain", "Least certain"
        MIXED = "mixed", "Panel groups of several classes"
        SUSPECT = "suspect", "Most likely wrong"
        AUDIT = "audit", "Random sample for audit"
        SECOND = "second", "Second opinions"
        SETTLE = "settle", "Opinions that differ"

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="queues")
    kind = models.CharField(max_length=13, choices=Kind)
    name = models.CharField(max_length=120)
    query = models.JSONField(default=dict, blank=True)
    model = models.CharField(max_length=120, blank=True, default="")
    seed = models.PositiveBigIntegerField(null=True, blank=True)
    population = models.PositiveIntegerField(default=0)
    population_by_class = models.JSONField(default=dict, blank=True)
    blind = models.BooleanField(default=False)
    # Grows by what people ask for, where other queues are fixed.
    standing = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("dataset", "kind"),
                condition=Q(standing=True, closed_at__isnull=True),
                name="queue_standing_once_per_dataset_and_kind",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def looks_at_given_label(self) -> bool:
        """Whether it asks about the label that stood when it was made, whatever became of it since."""
        return self.blind or self.kind in (self.Kind.AUDIT, self.Kind.SETTLE)


class QueueItemQuerySet(VisibleQuerySet["QueueItem"]):
    """Sets of a queue's images."""

    def open(self) -> Self:
        """Those that nobody decided on."""
        return self.filter(outcome=QueueItem.Outcome.OPEN)

    def decided(self) -> Self:
        """Those that somebody decided on in the queue."""
        return self.filter(outcome__in=(QueueItem.Outcome.KEPT, QueueItem.Outcome.CHANGED))

    def left_to(self, *people: Any, at: datetime) -> Self:
        """Open ones that nobody but these people is looking at."""
        mine = Q(claimed_by__in=[each.pk for each in people if each is not None])
        return self.open().filter(mine | Q(claimed_by=None) | Q(claimed_until__lt=at))

    def free_for(self, user: Any, *, at: datetime) -> Self:
        """Those left to this person; of a blind queue none that this person labelled."""
        return self.left_to(user, at=at).exclude(QueueItem.told_to(user))

    def held_by(self, user: Any) -> Self:
        """Open ones that this person took last."""
        return self.open().filter(claimed_by=user)

    def claim(self, user: Any, *, at: datetime) -> int:
        """Keep them for a person for the length of a lease."""
        return self.update(claimed_by=user, claimed_until=at + LEASE)

    def release(self) -> int:
        """Let anybody have them."""
        return self.update(claimed_by=None, claimed_until=None)

    def reopen(self, user: Any, *, at: datetime) -> int:
        """Take back what was decided or skipped; they go to this person."""
        return self.update(
            outcome=QueueItem.Outcome.OPEN,
            decided_by=None,
            decided_at=None,
            skipped_by=None,
            claimed_by=user,
            claimed_until=at + LEASE,
        )

    def decide(self, label_id: int | None, *, excluded: bool, batch: LabelBatch, at: datetime) -> int:
        """Record what the author of a batch said of all of them."""
        kept = Q(label_then=label_id, excluded_then=excluded)
        return self.update(
            said=label_id,
            said_excluded=excluded,
            outcome=models.Case(
                models.When(kept, then=models.Value(QueueItem.Outcome.KEPT)),
                default=models.Value(QueueItem.Outcome.CHANGED),
            ),
            decided_by=batch.author,
            decided_at=at,
            batch=batch,
            claimed_by=None,
            claimed_until=None,
            skipped_by=None,
        )

    def decide_again(self, batch: LabelBatch, user: Any, *, at: datetime) -> int:
        """Bring back what a deed decided, or skipped, before it was taken back; it stays its author's."""
        author = batch.author or user
        if batch.kind == LabelBatch.Kind.SKIP:
            return self.update(skipped_by=author, claimed_by=None, claimed_until=None)
        return self.update(
            outcome=models.Case(
                models.When(QueueItem.same_as_then(), then=models.Value(QueueItem.Outcome.KEPT)),
                default=models.Value(QueueItem.Outcome.CHANGED),
            ),
            decided_by=author,
            decided_at=at,
            claimed_by=None,
            claimed_until=None,
            skipped_by=None,
        )


class QueueItem(models.Model):
    """One image of a queue: how it was labelled when the queue was made, who has it, and what came of it.

    States: open (free, or claimed until a moment), then kept (the label is right), changed (it is not), or
    elsewhere (it was labelled outside of the queue before anybody looked). Taking a deed back opens it again.
    """

    class Outcome(models.TextChoices):
        """What came of it."""

        OPEN = "open"
        KEPT = "kept", "label kept"
        CHANGED = "changed", "label changed"
        ELSEWHERE = "elsewhere", "labelled elsewhere"

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey("datasets.Image", on_delete=models.CASCADE, related_name="queue_items")
    place = models.PositiveIntegerField()
    # Why it is here, as a number: a margin, a probability.
    score = models.FloatField(null=True, blank=True)
    label_then = models.ForeignKey(
        "datasets.LabelClass", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    excluded_then = models.BooleanField(default=False)
    version_then = models.PositiveIntegerField(default=0)
    author_then = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    skipped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.OPEN)
    said = models.ForeignKey(
        "datasets.LabelClass", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    said_excluded = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    batch = models.ForeignKey(
        LabelBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="queue_items"
    )
    # The opinion that differs from a label: what this image is to be settled for.
    about = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="settling"
    )

    objects = QueueItemQuerySet.as_manager()

    class Meta:
        ordering = ("queue", "place", "id")
        constraints = (
            # Two opinions of one image may both have to be settled.
            models.UniqueConstraint(
                fields=("queue", "image"), condition=Q(about__isnull=True), name="image_once_per_queue"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=("open", "elsewhere"), decided_by=None)
                | Q(outcome__in=("kept", "changed"), decided_by__isnull=False, decided_at__isnull=False),
                name="queue_item_is_decided_by_somebody",
            ),
        )
        indexes = (
            models.Index(fields=("queue", "outcome", "place"), name="queue_item_by_outcome"),
            models.Index(fields=("queue", "image"), name="queue_item_by_image"),
            models.Index(fields=("queue", "decided_at"), name="queue_item_by_decision"),
        )

    def __str__(self) -> str:
        return f"{self.image} in {self.queue}"

    @staticmethod
    def told_to(user: Any) -> Q:
        """The condition that a person knows the label which a blind queue does not tell, having given it."""
        return Q(queue__blind=True, author_then=user)

    @staticmethod
    def image_as_then() -> Q:
        """The condition that the image is labelled as it was when the queue was made."""
        same = Q(image__label=F("label_then")) | Q(image__label__isnull=True, label_then__isnull=True)
        return same & Q(image__excluded=F("excluded_then"))

    @staticmethod
    def same_as_then() -> Q:
        """The condition that what was said is how the image was labelled when the queue was made."""
        same = Q(said=F("label_then")) | Q(said__isnull=True, label_then__isnull=True)
        return same & Q(said_excluded=F("excluded_then"))
