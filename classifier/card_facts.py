"""What a model card says beyond a version's own columns: images per class, warnings, limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from classifier.cautions import Counted, cautions
from classifier.models import Evaluation, ModelVersion
from datasets.models import Image, Split, Subset

# Fewer leave much to chance: of 30 images a share is known to within some 18 points.
FEW_TO_LEARN = 50
FEW_TO_SCORE = 30


@dataclass(frozen=True)
class Images:
    """What a version learnt from and was chosen by: images by (class, subset), papers by subset."""

    classes: list[str]
    counts: dict[tuple[str, str], int]
    papers: dict[str, int]

    def of_class(self, name: str, subset: str) -> int:
        """Return how many images of a class a subset holds."""
        return self.counts.get((name, subset), 0)


def counted_images(version: ModelVersion) -> Images | None:
    """Count the images of a version's split by the labels that it was trained with; None without a split."""
    split = version.split
    if split is None:
        return None
    counts, papers = {}, {}
    for subset in Subset.values:
        usable = _usable(version, split, subset)
        for name, count in usable.values_list("label_then").annotate(Count("pk")).order_by():
            counts[(name, subset)] = count
        papers[subset] = usable.order_by().values("paper").distinct().count()
    return Images(list(version.classes), counts, papers)


def _usable(version: ModelVersion, split: Split, subset: str) -> Any:
    cutoff = version.label_cutoff or split.label_cutoff
    images: Any = Image.objects.in_subset(split, subset)
    return images.usable_as_of(cutoff)


def warnings_of(version: ModelVersion, evaluations: Sequence[Evaluation]) -> list[str]:
    """Return why its scores may be too good, and what its split warns of; each sentence once."""
    counted: Counted = {}
    told = [
        f"On {each.split} {each.subset}: {sentence}"
        for each in evaluations
        for sentence in cautions(version, each.split, each.subset, counted=counted)
    ]
    told += [
        f"{each.unreadable:,} images of {each.split} {each.subset} are left out of its scores: unreadable."
        for each in evaluations
        if each.unreadable
    ]
    told += [str(warning) for warning in version.split.warnings] if version.split else []
    return list(dict.fromkeys(told))


def limits(version: ModelVersion, images: Images | None, evaluations: Sequence[Evaluation]) -> list[str]:
    """Return what it is for and where it ends, as sentences that follow from its record."""
    names = ", ".join(version.classes)
    told = [
        f"It tells figure panels of these classes apart: {names}. An image of any other kind is given one of "
        "them all the same.",
        f"It sees an image at {version.input_size} x {version.input_size} pixels: what is smaller than a few "
        "pixels there it cannot see.",
        "A probability of it is no proof. Its predictions stand beside labels until a person accepts them.",
    ]
    if images is None or version.split is None:
        told.append("It was trained elsewhere: for which images it was meant is not recorded.")
    else:
        told += _of_training(version.split, images)
    on_test = next((each for each in evaluations if each.subset == Subset.TEST), None)
    if on_test is None:
        told.append("It has no scores on a test subset: do not rely on it.")
    else:
        told += _of_scores(on_test)
    return told


def _of_training(split: Split, images: Images) -> list[str]:
    """Say what it has not learnt from, and of which classes little."""
    papers = images.papers[Subset.TRAIN]
    told = [
        f"It learnt from {papers:,} papers of {split.dataset.slug} and of no other dataset. On other "
        "sources, microscopes and styles of drawing it may do worse than its scores say."
    ]
    few = [
        f"{name} ({count:,})"
        for name in images.classes
        if (count := images.of_class(name, Subset.TRAIN)) < FEW_TO_LEARN
    ]
    if few:
        told.append(f"Few images were there to learn from (fewer than {FEW_TO_LEARN}) of: {', '.join(few)}.")
    return told


def _of_scores(evaluation: Evaluation) -> list[str]:
    """Say of which classes the scores rest on few images, or on none."""
    few = [
        f"{row['name']} ({row['support']:,})" for row in evaluation.per_class if row["support"] < FEW_TO_SCORE
    ]
    if not few:
        return []
    where = f"{evaluation.split} {evaluation.subset}"
    return [f"On {where} fewer than {FEW_TO_SCORE} images say how good it is on: {', '.join(few)}."]
