"""Predictions that a person takes for labels, one or many; nothing else makes labels of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from classifier.models import ModelVersion, Prediction
from datasets.chunks import chunks
from datasets.labelling import NewLabel, Relabelled, record_batch
from datasets.models import Dataset, Image, Label, LabelBatch


@dataclass
class Skipped:
    """How many images were left alone: no prediction, a class that the dataset lacks, excluded."""

    no_prediction: int = 0
    no_such_class: int = 0
    excluded: int = 0


@dataclass
class Accepted(Relabelled):
    """What came of accepting. `moves` counts changes by (class before or None, class after)."""

    skipped: Skipped = field(default_factory=Skipped)
    moves: Counter[tuple[str | None, str]] = field(default_factory=Counter)

    @property
    def by_class(self) -> dict[str, int]:
        """How many images got each class."""
        counted: Counter[str] = Counter()
        for (_, after), count in self.moves.items():
            counted[after] += count
        return dict(counted)


def accept_predictions(
    images: Sequence[tuple[int, int]],
    *,
    dataset: Dataset,
    version: ModelVersion,
    author: Any,
    reason: str = "",
    key: UUID | None = None,
    dry_run: bool = False,
) -> Accepted:
    """Label images (pairs of id and the version seen) as a version's stored predictions say, in one batch.

    Excluded images are left alone, and so are those without a prediction or whose class is none of the
    dataset's: `skipped` counts them. What changed meanwhile is told in `stale`; what is labelled so already
    keeps its label and its source. A dry run counts the same and writes nothing. `Refused` (reason_too_long).
    """
    skipped = Skipped()
    seen = dict(images)
    classes = list(dataset.classes.all())
    names = {each.pk: each.name for each in classes}
    wanted: dict[int, int] = {}
    for image_id, predicted, excluded in _said(sorted(seen), dataset=dataset, version=version):
        label = next((each for each in classes if each.accepts(predicted)), None)
        if excluded:
            skipped.excluded += 1
        elif label is None:
            skipped.no_such_class += 1
        else:
            wanted[image_id] = label.pk
    skipped.no_prediction = len(seen) - len(wanted) - skipped.excluded - skipped.no_such_class
    moves: Counter[tuple[str | None, str]] = Counter()

    def decide(image: Image) -> NewLabel | None:
        label_id = wanted[image.pk]
        if label_id == image.label_id:
            return None
        moves[names[image.label_id] if image.label_id else None, names[label_id]] += 1
        return NewLabel(
            image.pk, image.version, label_id, image.excluded, Label.Source.PREDICTION, str(version)
        )

    batch = LabelBatch(dataset=dataset, kind=LabelBatch.Kind.ACCEPT, author=author, reason=reason, key=key)
    done = record_batch(
        {image_id: seen[image_id] for image_id in wanted}, batch=batch, decide=decide, dry_run=dry_run
    )
    return Accepted(**vars(done), skipped=skipped, moves=moves)


def _said(ids: list[int], *, dataset: Dataset, version: ModelVersion) -> Iterator[tuple[int, str, bool]]:
    """Yield image id, predicted class and whether it is excluded, of images with a prediction."""
    for some in chunks(ids):
        yield from Prediction.objects.filter(
            version=version, image__in=some, image__dataset=dataset
        ).values_list("image", "predicted", "image__excluded")
