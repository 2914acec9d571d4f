"""Entries into the store and the database: bytes first, rows after, a short transaction for each batch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from datasets.decoding import ImageRefused
from datasets.errors import Refused
from datasets.importing.new_images import new_image
from datasets.importing.reading import Facts, Read, batches, facts_of, read_entry
from datasets.importing.summary import Entry, ImportSummary, Progress
from datasets.label_times import time_of_labels
from datasets.labelling import ChangedMeanwhile, NewLabel, record_labels
from datasets.models import Dataset, Image, Label, LabelBatch, Paper
from datasets.panel_groups import mark_mixed
from datasets.store import path_of, put_many

_THREADS = 2
_ATTEMPTS = 3

Key = tuple[str | None, str]


class DatasetGone(Refused):
    """Raised where the dataset of an import was purged while the import was under way."""

    code = "dataset_gone"
    status = 409


@dataclass
class Plan:
    """What one batch will write, and what is told of it once it is written."""

    create: list[tuple[Entry, Facts]] = field(default_factory=list)
    change: list[tuple[Image, int]] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[Entry, str, str]] = field(default_factory=list)
    bytes_by_sha: dict[str, bytes] = field(default_factory=dict)


class Storing:
    """One import on its way: the dataset, its papers and classes, and what was met so far."""

    def __init__(self, summary: ImportSummary, *, source: str, author: Any) -> None:
        self.summary = summary
        self.source = source
        self.author = author
        self.dataset = Dataset.objects.filter(slug=summary.dataset).first()
        self.papers: dict[str, int] = {}
        self.class_ids: dict[str, int] = {}
        self.met_keys: set[Key] = set()
        self.met_shas: set[str] = set()
        self.label_batch: LabelBatch | None = None
        self._learn()

    def store(self, entries: Sequence[Entry], *, progress: Progress | None = None) -> None:
        """Store every entry that can be; count what comes of each in the summary. Raises DatasetGone."""
        self.summary.unlabelled_files = sum(not entry.listed for entry in entries)
        done = 0
        with ThreadPoolExecutor(_THREADS) as pool:
            for piece in batches(entries):
                self._store_batch(list(pool.map(read_entry, piece)), pool)
                done += len(piece)
                if progress:
                    progress(done, len(entries))

    def _learn(self) -> None:
        """Load the papers and classes of the dataset; DatasetGone where it is there no more."""
        if self.dataset:
            if not Dataset.objects.filter(pk=self.dataset.pk).exists():
                raise DatasetGone(
                    f"The dataset {self.dataset.slug} was removed while this import was under way, and what "
                    "was imported until then went with it. Import again if it is to be there."
                )
            self.papers = dict(self.dataset.papers.values_list("identifier", "pk"))
            self.class_ids = dict(self.dataset.classes.values_list("name", "pk"))

    def _store_batch(self, reads: list[Read], pool: ThreadPoolExecutor) -> None:
        """Plan a batch and write it; plan again where another import was quicker."""
        for attempt in range(1, _ATTEMPTS + 1):
            plan = self._planned(reads, pool)
            try:
                if not self.summary.dry_run:
                    self._write(plan)
            except (IntegrityError, ChangedMeanwhile):
                if attempt == _ATTEMPTS:
                    raise
                self._learn()
            else:
                self._count(plan, reads)
                return

    def _planned(self, reads: list[Read], pool: ThreadPoolExecutor) -> Plan:
        """Decide for each entry of a batch what comes of it."""
        plan = Plan()
        standing = self._standing(reads)
        fresh: list[Read] = []
        keys = set(self.met_keys)
        for read in reads:
            key = (read.entry.paper, read.entry.file_name)
            image = standing.get(key)
            if read.refusal:
                plan.refused.append((read.entry, read.refusal.code, str(read.refusal)))
            elif read.missing:
                plan.outcomes.append(("missing_files", str(read.entry)))
            elif key in keys:
                reason = "the same paper and name lies in another folder too; the first one was taken."
                plan.refused.append((read.entry, "name_taken", reason))
            elif image is None:
                fresh.append(read)
            elif image.sha256 != read.sha256:
                reason = "an image of that paper and name is stored with other bytes; it was kept."
                plan.refused.append((read.entry, "name_taken", reason))
            else:
                if not path_of(read.sha256).exists():
                    plan.bytes_by_sha[read.sha256] = read.data
                self._compare(read.entry, image, plan)
            keys.add(key)
        self._plan_new(fresh, plan, pool)
        self._sort_out_changes(plan)
        return plan

    def _standing(self, reads: list[Read]) -> dict[Key, Image]:
        """The images of these papers and names that are stored already."""
        if self.dataset is None:
            return {}
        names = {read.entry.file_name for read in reads}
        ids = {self.papers[read.entry.paper] for read in reads if read.entry.paper in self.papers}
        found = Image.objects.filter(dataset=self.dataset, file_name__in=names).filter(
            Q(paper_id__in=ids) | Q(paper__isnull=True)
        )
        return {
            (image.paper.identifier if image.paper else None, image.file_name): image
            for image in found.select_related("paper", "label")
        }

    def _compare(self, entry: Entry, image: Image, plan: Plan) -> None:
        """Compare what is said of a stored image with the label in force."""
        if entry.label is None or (image.label and image.label.name == entry.label):
            plan.outcomes.append(("unchanged", str(entry)))
        else:
            plan.change.append((image, self.class_ids[entry.label]))

    def _sort_out_changes(self, plan: Plan) -> None:
        """Keep the changes of labels that came from an import; the others are a person's, and stay."""
        ids = [image.pk for image, _ in plan.change]
        by_people = set(
            Label.objects.filter(image_id__in=ids, version=F("image__version"))
            .exclude(source=Label.Source.IMPORTED)
            .values_list("image_id", flat=True)
        )
        names = {pk: name for name, pk in self.class_ids.items()}
        kept = []
        for image, class_id in plan.change:
            now = image.label.name if image.label else "no label"
            text = f"{image}: {now} here, {names[class_id]} in the source"
            if image.pk in by_people or image.excluded:
                plan.outcomes.append(("conflicts", text))
            else:
                plan.outcomes.append(("changed", text))
                kept.append((image, class_id))
        plan.change = kept

    def _plan_new(self, fresh: list[Read], plan: Plan, pool: ThreadPoolExecutor) -> None:
        """Find the facts of entries that are not stored yet; bytes known already are not decoded again."""
        shas = {read.sha256 for read in fresh}
        known: dict[str, Facts | ImageRefused] = {}
        here = set(self.met_shas)
        for dataset_id, *facts in Image.objects.filter(sha256__in=shas).values_list(
            "dataset_id", "sha256", "byte_size", "width", "height", "format", "notes"
        ):
            known[facts[0]] = Facts(*facts)
            if self.dataset and dataset_id == self.dataset.pk:
                here.add(facts[0])
        unknown = {read.sha256: read.data for read in fresh if read.sha256 not in known}
        known |= zip(unknown, pool.map(self._facts, unknown.items()), strict=True)
        for read in fresh:
            outcome = known[read.sha256]
            if isinstance(outcome, ImageRefused):
                plan.refused.append((read.entry, outcome.code, str(outcome)))
                continue
            plan.create.append((read.entry, outcome))
            plan.bytes_by_sha[read.sha256] = read.data
            plan.outcomes.append(("created", ""))
            if read.sha256 in here:
                plan.outcomes.append(("duplicates", str(read.entry)))
            here.add(read.sha256)

    def _facts(self, item: tuple[str, bytes]) -> Facts | ImageRefused:
        sha256, data = item
        try:
            return facts_of(data, sha256, keep_thumbnail=not self.summary.dry_run)
        except ImageRefused as refusal:
            return refusal

    def _write(self, plan: Plan) -> None:
        """Write the bytes, then the rows."""
        put_many(plan.bytes_by_sha.items())
        if not plan.create and not plan.change:
            return
        if self.dataset is None:
            self.dataset = _new_dataset(self.summary.dataset, self.author)
            self._learn()
        batch = self.label_batch or LabelBatch(
            dataset=self.dataset,
            kind=LabelBatch.Kind.IMPORT,
            author=self.author,
            reason=f"import of {self.source}"[:500],
        )
        with transaction.atomic():
            self._write_papers({entry.paper for entry, _ in plan.create if entry.paper is not None})
            if batch.pk is None and (plan.change or any(entry.label for entry, _ in plan.create)):
                batch.save()
            written = self._write_images(plan.create, batch)
            # A changed label is written on the version it was compared in.
            rows = [
                NewLabel(image.pk, image.version, class_id, False, Label.Source.IMPORTED)
                for image, class_id in plan.change
            ]
            record_labels(rows, batch=batch, reason="")
            mark_mixed([*(image.pk for image in written), *(row.image_id for row in rows)])
        self.label_batch = batch if batch.pk else None

    def _write_papers(self, identifiers: set[str]) -> None:
        new = identifiers - self.papers.keys()
        if new:
            rows = (Paper(dataset=self.dataset, identifier=identifier) for identifier in sorted(new))
            Paper.objects.bulk_create(rows, ignore_conflicts=True)
            # Their usual order joins the dataset; where that is gone, the commit has to find out.
            found = Paper.objects.filter(dataset=self.dataset, identifier__in=new).order_by()
            self.papers.update(found.values_list("identifier", "pk"))

    def _write_images(self, create: list[tuple[Entry, Facts]], batch: LabelBatch) -> list[Image]:
        """Write images and, for those with a label, the first row of their history; return the images."""
        now = time_of_labels()
        images = Image.objects.bulk_create(
            new_image(
                facts,
                dataset=self.dataset,
                paper_id=self.papers[entry.paper] if entry.paper is not None else None,
                file_name=entry.file_name,
                label_id=self.class_ids[entry.label] if entry.label else None,
                source=Label.Source.IMPORTED,
                author=self.author,
                at=now,
            )
            for entry, facts in create
        )
        Label.objects.bulk_create(
            Label(
                image=image,
                version=1,
                label_class_id=image.label_id,
                source=Label.Source.IMPORTED,
                author=self.author,
                batch=batch,
                created_at=now,
            )
            for image in images
            if image.label_id
        )
        return images

    def _count(self, plan: Plan, reads: list[Read]) -> None:
        """Put what came of a batch into the summary."""
        for outcome, text in plan.outcomes:
            setattr(self.summary, outcome, getattr(self.summary, outcome) + 1)
            if outcome not in {"created", "unchanged"}:
                self.summary.tell(outcome, text)
        self.summary.by_class.update(entry.label or "" for entry, _ in plan.create)
        for entry, code, reason in plan.refused:
            self.summary.refuse(entry, code=code, reason=reason)
        for read in reads:
            if not read.entry.listed:
                self.summary.tell("unlabelled_files", str(read.entry))
        self.met_keys.update((read.entry.paper, read.entry.file_name) for read in reads)
        self.met_shas.update(facts.sha256 for _, facts in plan.create)


def _new_dataset(slug: str, author: Any) -> Dataset:
    """Make the dataset, or take the one that another import has just made."""
    try:
        return Dataset.objects.create_with_classes(slug, created_by=author)
    except IntegrityError:
        return Dataset.objects.get(slug=slug)
