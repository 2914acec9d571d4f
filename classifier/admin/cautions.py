"""Why a score may be too good: a leaking split, or images that the version has seen while it was trained."""

from classifier.models import ModelVersion
from datasets.models import Image, Split, SplitMember, Subset

_LEAKS = (
    ("papers", "share a paper with train"),
    ("panel_groups", "a panel group"),
    ("exact_bytes", "their exact bytes"),
)


def cautions(version: ModelVersion, split: Split, subset: str) -> list[str]:
    """Return why scores of a version on a subset will be too good, as sentences; none where they are fair."""
    told = []
    if split.leaks:
        told.append(leak_sentence(split))
    if version.split is None:
        told.append(f"{version} was trained elsewhere: whether it has seen these images is not known.")
    elif version.split_id != split.pk or subset == Subset.TRAIN:
        told += _seen(version, version.split, split, subset)
    elif subset == Subset.VAL:
        told.append(f"The best epoch of {version} was chosen on these images: its scores will be too good.")
    return told


def leak_sentence(split: Split) -> str:
    """Say what leaks between the subsets of a split."""
    report = split.leak_report
    parts = [f"{report[key]:,} {words}" for key, words in _LEAKS if report[key]]
    return (
        f"The split {split} leaks: of its {report['test_images']:,} test images {', '.join(parts)}. "
        "Scores will be too good."
    )


def _seen(version: ModelVersion, own: Split, split: Split, subset: str) -> list[str]:
    """Say how many images of a subset, and of their papers, the version was trained on."""
    trained = SplitMember.objects.filter(split=own, subset=Subset.TRAIN)
    images = Image.objects.in_subset(split, subset)
    seen = images.filter(pk__in=trained.values("image")).count()
    related = (
        images.filter(paper__in=trained.filter(image__paper__isnull=False).values("image__paper"))
        .exclude(pk__in=trained.values("image"))
        .count()
    )
    if not seen and not related:
        return []
    parts = [f"was trained on {seen:,} of these {images.count():,} images"] if seen else []
    if related:
        others = f"on papers of {related:,} more" if seen else f"was trained on papers of {related:,} of them"
        parts.append(others)
    return [f"{version} {' and '.join(parts)}: its scores here will be too good."]
