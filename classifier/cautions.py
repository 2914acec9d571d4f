"""Why a score may be too good: a leaking split, or images that the version has seen while it was trained."""

from collections.abc import Sequence

from classifier.models import ModelVersion
from datasets.errors import Refused
from datasets.models import Image, Paper, Split, SplitMember, Subset

# What was counted already: images of a subset, those trained on, those of papers trained on.
Counted = dict[tuple[int, int, str], tuple[int, int, int]]
_NAMED = 5
_LEAKS = (
    ("papers", "share a paper with train"),
    ("panel_groups", "a panel group"),
    ("exact_bytes", "their exact bytes"),
)


def cautions(
    version: ModelVersion, split: Split, subset: str, *, counted: Counted | None = None
) -> list[str]:
    """Return why scores of a version on a subset will be too good, as sentences; none where they are fair.

    Who asks for many hands the same `counted` along: splits never change, so each pair is counted once.
    """
    told = []
    if split.leaks:
        told.append(leak_sentence(split))
    if version.split is None:
        told.append(f"{version} was trained elsewhere: whether it has seen these images is not known.")
    elif version.split_id != split.pk or subset == Subset.TRAIN:
        told += _seen(version, version.split, split, subset, counted={} if counted is None else counted)
    elif subset == Subset.VAL:
        told.append(f"The best epoch of {version} was chosen on these images: its scores will be too good.")
    return told


class TrainedOnTest(Refused):
    """Raised where versions have seen papers of the images that they are to be compared on."""

    code = "trained_on_test"
    status = 409


def check_unseen(versions: Sequence[ModelVersion], split: Split, subset: str, *, counted: Counted) -> None:
    """Raise TrainedOnTest where any version was trained on papers of the subset; it says which."""
    told = []
    for version in versions:
        if version.split is None:
            continue
        total, seen, related = _counted(version.split, split, subset, counted=counted)
        if seen or related:
            papers = _shared_papers(version.split, split, subset)
            told.append(f"{version} has seen {seen + related:,} of the {total:,}{papers}")
    if told:
        raise TrainedOnTest(
            f"These versions were trained on images of {split} {subset}, or on papers of them: "
            f"{'; '.join(told)}. A comparison there would favour whoever has seen more. Compare them on a "
            "subset whose papers none of them was trained on."
        )


def leak_sentence(split: Split) -> str:
    """Say what leaks between the subsets of a split."""
    report = split.leak_report
    parts = [f"{report[key]:,} {words}" for key, words in _LEAKS if report[key]]
    return (
        f"The split {split} leaks: of its {report['test_images']:,} test images {', '.join(parts)}. "
        "Scores will be too good."
    )


def _seen(version: ModelVersion, own: Split, split: Split, subset: str, *, counted: Counted) -> list[str]:
    """Say how many images of a subset, and of their papers, the version was trained on."""
    total, seen, related = _counted(own, split, subset, counted=counted)
    if not seen and not related:
        return []
    parts = [f"was trained on {seen:,} of these {total:,} images"] if seen else []
    if related:
        others = f"on papers of {related:,} more" if seen else f"was trained on papers of {related:,} of them"
        parts.append(others)
    return [f"{version} {' and '.join(parts)}: its scores here will be too good."]


def _counted(own: Split, split: Split, subset: str, *, counted: Counted) -> tuple[int, int, int]:
    """Return what `_count` does, counted once."""
    key = (own.pk, split.pk, subset)
    if key not in counted:
        counted[key] = _count(own, split, subset)
    return counted[key]


def _count(own: Split, split: Split, subset: str) -> tuple[int, int, int]:
    """Count a subset's images, those in train of the split `own`, and others of the papers in train."""
    trained = SplitMember.objects.filter(split=own, subset=Subset.TRAIN)
    images = Image.objects.in_subset(split, subset)
    related = images.filter(paper__in=trained.filter(image__paper__isnull=False).values("image__paper"))
    return (
        images.count(),
        images.filter(pk__in=trained.values("image")).count(),
        related.exclude(pk__in=trained.values("image")).count(),
    )


def _shared_papers(own: Split, split: Split, subset: str) -> str:
    """Name the first papers that are in train of the one split and in a subset of the other."""
    trained = SplitMember.objects.filter(split=own, subset=Subset.TRAIN, image__paper__isnull=False)
    papers = Paper.objects.filter(
        images__in=Image.objects.in_subset(split, subset), pk__in=trained.values("image__paper")
    )
    names = list(papers.distinct().order_by("identifier").values_list("identifier", flat=True)[: _NAMED + 1])
    if not names:
        return ""
    more = ", ..." if len(names) > _NAMED else ""
    return f" (papers {', '.join(names[:_NAMED])}{more})"
