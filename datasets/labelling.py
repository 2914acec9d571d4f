"""Corrections: each a new row, refused where somebody else was quicker, undone as a whole."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from datasets.chunks import chunks
from datasets.errors import Refused
from datasets.label_times import time_of_labels
from datasets.models import Dataset, Image, Label, LabelBatch, LabelClass
from datasets.models.queue import SETTLES
from datasets.panel_groups import mark_mixed
from datasets.queues.turning import lock_items, turn_items
from datasets.staleness import stale_label, stale_told

LONGEST_REASON = 500


class Keep(Enum):
    """What stands in the place of a value that a relabelling leaves as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


class ChangedMeanwhile(Refused):
    """Raised where an image was labelled between the look at it and the writing."""

    code = "stale_label"
    status = 409


class NotReversible(Refused):
    """Raised for a batch that cannot be undone or redone (any more)."""

    code = "not_reversible"
    status = 409


class NotYourOpinion(Refused):
    """Raised where somebody takes back, or brings back, what another said in a blind queue."""

    code = "not_your_opinion"
    status = 403


@dataclass(frozen=True)
class NewLabel:
    """What one image is to be labelled with, by the version that it was seen in.

    `origin` says what stands behind a label of source `prediction`: the model version.
    """

    image_id: int
    version: int
    label_id: int | None
    excluded: bool
    source: str
    origin: str = ""


@dataclass
class Relabelled:
    """What came of a batch. `batch` is None where nothing changed.

    stale: dicts of id, expected, version, label, excluded, by, at (version None: the image is gone).
    """

    batch: LabelBatch | None = None
    changed: int = 0
    unchanged: int = 0
    stale: list[dict[str, Any]] = field(default_factory=list)


Decide = Callable[[Image], NewLabel | None]


def correct_label(
    image: Image,
    *,
    label: LabelClass | None,
    excluded: bool,
    author: Any,
    reason: str = "",
    expected_version: int | None,
    source: str = Label.Source.PERSON,
) -> LabelBatch | None:
    """Label one image; None where it is labelled so already. `StaleLabel` where it changed meanwhile.

    Without an expected version the label in force is replaced whatever it is.
    """
    if expected_version is None:
        expected_version = Image.objects.values_list("version", flat=True).get(pk=image.pk)
    done = relabel_batch(
        [(image.pk, expected_version)],
        dataset=image.dataset,
        label=label,
        excluded=excluded,
        author=author,
        reason=reason,
        source=source,
    )
    if done.stale:
        raise stale_label(done.stale[0])
    image.refresh_from_db(
        fields=["label", "excluded", "version", "label_source", "labelled_by", "labelled_at", "mixed"]
    )
    return done.batch


def relabel_batch(
    images: "QuerySet[Image] | Sequence[tuple[int, int]]",
    *,
    dataset: Dataset,
    label: LabelClass | Literal[Keep.KEEP] | None,
    excluded: bool | Literal[Keep.KEEP],
    author: Any,
    reason: str = "",
    source: str = Label.Source.PERSON,
    key: UUID | None = None,
) -> Relabelled:
    """Label many images in one batch: a queryset, or pairs of id and the version seen.

    What changed meanwhile is left alone and told in `stale`; what is labelled so already gets no new row.
    A class that was accepted from a model stays so where only the exclusion changes.
    """
    if isinstance(label, LabelClass) and label.dataset_id != dataset.pk:
        raise Refused(f"{label} is no class of the dataset {dataset.slug}.", code="unknown_label")
    pairs = list(images.values_list("pk", "version")) if isinstance(images, QuerySet) else list(images)
    seen = {int(pk): int(version) for pk, version in pairs}
    accepted = {} if excluded is KEEP else _labels_at(seen, source=Label.Source.PREDICTION)

    def decide(image: Image) -> NewLabel | None:
        label_id = image.label_id if label is KEEP else label.pk if label else None
        out = image.excluded if excluded is KEEP else excluded
        if (label_id, out) == (image.label_id, image.excluded):
            return None
        if label_id == image.label_id and image.pk in accepted:
            row = accepted[image.pk]
            return NewLabel(image.pk, image.version, label_id, out, row.source, row.origin)
        return NewLabel(image.pk, image.version, label_id, out, source)

    batch = LabelBatch(dataset=dataset, kind=LabelBatch.Kind.RELABEL, author=author, reason=reason, key=key)
    return record_batch(seen, batch=batch, decide=decide)


def undo_batch(batch: LabelBatch, *, author: Any) -> Relabelled:
    """Put back what a batch changed, where nobody changed the image since.

    `batch` may be any link of a chain of undoing and redoing; its newest link counts.
    """
    newest = _newest_link(batch)
    if newest.kind == LabelBatch.Kind.UNDO:
        raise NotReversible(f"Batch {batch.pk} is undone already. Redo it to bring it back.")
    return _reverse(newest, kind=LabelBatch.Kind.UNDO, author=author)


def redo_batch(batch: LabelBatch, *, author: Any) -> Relabelled:
    """Bring back what an undoing took away, where nobody changed the image since."""
    newest = _newest_link(batch)
    if newest.kind != LabelBatch.Kind.UNDO:
        raise NotReversible(f"Batch {batch.pk} is not undone: there is nothing to redo.")
    return _reverse(newest, kind=LabelBatch.Kind.REDO, author=author)


def record_labels(rows: Sequence[NewLabel], *, batch: LabelBatch, reason: str) -> int:
    """Write label rows and the images' own copies of them; inside a transaction, the images locked.

    Returns how many were written; the batch is saved with the first. `ChangedMeanwhile` where an image was
    labelled since the version that its row is based on: nothing of the transaction may stay then.
    Call `mark_mixed` at the end of the transaction.
    """
    if not rows:
        return 0
    at = time_of_labels()
    if batch.pk is None:
        batch.save()
    alike: defaultdict[tuple[int | None, bool, int, str], list[int]] = defaultdict(list)
    for row in rows:
        alike[row.label_id, row.excluded, row.version, row.source].append(row.image_id)
    for (label_id, excluded, version, source), ids in alike.items():
        written = Image.objects.filter(pk__in=ids, version=version).update(
            label_id=label_id,
            excluded=excluded,
            version=F("version") + 1,
            label_source=source,
            labelled_by=batch.author,
            labelled_at=at,
        )
        if written != len(ids):
            raise ChangedMeanwhile("The images are being changed by somebody else. Try again.")
    Label.objects.bulk_create(
        Label(
            image_id=row.image_id,
            version=row.version + 1,
            label_class_id=row.label_id,
            excluded=row.excluded,
            source=row.source,
            origin=row.origin,
            author=batch.author,
            batch=batch,
            reason=reason,
            created_at=at,
        )
        for row in rows
    )
    return len(rows)


@transaction.atomic
def record_batch(
    seen: Mapping[int, int], *, batch: LabelBatch, decide: Decide, dry_run: bool = False
) -> Relabelled:
    """Label the images seen in these versions ({id: version}) as one deed: all of them, or none.

    `batch` is new and saved with the first label; `decide` returns an image's new label, None where the one
    in force stays. A dry run counts the same and writes nothing. `Refused` (reason_too_long).
    """
    _check_reason(batch.reason)
    done = Relabelled()
    changed: list[int] = []
    for ids in chunks(sorted(seen)):
        found = {
            image.pk: image
            for image in Image.objects.select_for_update()
            .filter(pk__in=ids, dataset_id=batch.dataset_id)
            .order_by("pk")
        }
        stale = [pk for pk in ids if pk not in found or found[pk].version != seen[pk]]
        rows = [decide(found[pk]) for pk in ids if pk not in set(stale)]
        changes = [row for row in rows if row is not None]
        if not dry_run:
            record_labels(changes, batch=batch, reason=batch.reason)
            changed += [row.image_id for row in changes]
        done.changed += len(changes)
        done.unchanged += len(rows) - len(changes)
        done.stale += stale_told(stale, seen)
    mark_mixed(changed)
    done.batch = batch if done.changed and not dry_run else None
    return done


@transaction.atomic
def _reverse(batch: LabelBatch, *, kind: str, author: Any) -> Relabelled:
    """Label each image of a batch as it was before it."""
    if batch.kind == LabelBatch.Kind.IMPORT:
        raise NotReversible("An import is not undone. Relabel its images instead.")
    first = _first_link(batch)
    if first.kind == LabelBatch.Kind.OPINION and first.author != author and not author.has_perm(SETTLES):
        raise NotYourOpinion("An opinion is taken back by who gave it, or by a curator.")
    # Before the images, as who decides in a queue locks them.
    lock_items(first)
    written = dict(batch.labels.values_list("image_id", "version"))
    before = _labels_at({image_id: version - 1 for image_id, version in written.items()})

    def decide(image: Image) -> NewLabel:
        # An image never labelled before has no earlier row: it was unlabelled.
        row = before.get(image.pk) or Label(source=Label.Source.PERSON)
        return NewLabel(image.pk, image.version, row.label_class_id, row.excluded, row.source, row.origin)

    reversal = LabelBatch(
        dataset=batch.dataset,
        kind=kind,
        author=author,
        reverses=batch,
        reason=f"{kind} of batch {batch.pk}",
    )
    done = record_batch(written, batch=reversal, decide=decide)
    stale = {told["id"] for told in done.stale}
    turned = turn_items(first, back=kind == LabelBatch.Kind.UNDO, author=author, but=stale)
    if turned and done.batch is None:
        reversal.save()
        done.batch = reversal
    done.changed = max(done.changed, turned)
    return done


def _labels_at(versions: Mapping[int, int], **having: Any) -> dict[int, Label]:
    """Return the row of each image's history that bears its version here, where there is one having that."""
    found = (Label.objects.filter(image_id__in=ids, **having) for ids in chunks(sorted(versions)))
    return {row.image_id: row for rows in found for row in rows if row.version == versions[row.image_id]}


def _newest_link(batch: LabelBatch) -> LabelBatch:
    """Follow a batch to the last undoing or redoing of it."""
    while True:
        after = batch.reversals.order_by("-id").first()
        if after is None:
            return batch
        batch = after


def _first_link(batch: LabelBatch) -> LabelBatch:
    """Follow a batch back to the one that began its chain of undoing and redoing."""
    while batch.reverses is not None:
        batch = batch.reverses
    return batch


def _check_reason(reason: str) -> None:
    if len(reason) > LONGEST_REASON:
        raise Refused(
            f"The reason has {len(reason)} characters; at most {LONGEST_REASON} are kept.",
            code="reason_too_long",
        )
