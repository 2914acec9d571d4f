"""Panel groups: the panels of a figure that share their first four digits, within one paper."""

from collections import defaultdict
from collections.abc import Sequence

from datasets.chunks import chunks
from datasets.models import Image, Paper


def mark_mixed(image_ids: Sequence[int]) -> None:
    """Say of every image in the panel groups of these whether its group holds several classes.

    Excluded and unlabelled images do not count. To be called at the end of the transaction that changed
    the labels: papers are locked in order, after all images, so that two people never wait for each other.
    A deletion needs no call: the database keeps an image that was ever labelled until its dataset is purged.
    """
    touched: set[tuple[int, str]] = set()
    for ids in chunks(sorted(image_ids)):
        grouped = Image.objects.filter(pk__in=ids, paper__isnull=False).exclude(panel_group="")
        touched |= set(grouped.values_list("paper_id", "panel_group").order_by())
    for papers in chunks(sorted({paper for paper, _ in touched})):
        _mark(papers, touched)


def _mark(papers: Sequence[int], touched: set[tuple[int, str]]) -> None:
    """Set and unset the mark in the groups touched of these papers."""
    # What somebody else commits before the lock is had is seen by the query after it.
    list(Paper.objects.select_for_update(no_key=True).filter(pk__in=papers).order_by("pk"))
    names = {group for paper, group in touched if paper in set(papers)}
    rows = (
        Image.objects.filter(paper__in=papers, panel_group__in=names)
        .order_by()
        .values_list("paper_id", "panel_group", "pk", "label_id", "excluded", "mixed")
    )
    classes: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    members: defaultdict[tuple[int, str], list[tuple[int, bool]]] = defaultdict(list)
    for paper, group, pk, label_id, excluded, mixed in rows:
        members[paper, group].append((pk, mixed))
        if label_id and not excluded:
            classes[paper, group].add(label_id)
    for wanted in (True, False):
        wrong = [
            pk
            for group in touched & members.keys()
            if (len(classes[group]) > 1) is wanted
            for pk, mixed in members[group]
            if mixed is not wanted
        ]
        for ids in chunks(wrong):
            Image.objects.filter(pk__in=ids).update(mixed=wanted)
