"""Whole papers into subsets, as near to the ratios as they allow; frozen, with a report on what leaks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import slug_re
from django.db import IntegrityError, transaction

from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.leaks import leak_report, leak_warnings
from datasets.models import Dataset, Split, SplitMember, Subset
from datasets.published_lists import check_official, read_official
from datasets.split_members import Member, keys_of, members_as_of
from datasets.stratifying import assign_groups

__all__ = [
    "DEFAULT_RATIOS",
    "SUBSETS",
    "SplitPlan",
    "find_split",
    "leak_report",
    "make_split",
    "plan_split",
    "read_official",
    "read_ratios",
]

SUBSETS = (Subset.TRAIN.value, Subset.VAL.value, Subset.TEST.value)
DEFAULT_RATIOS = "65:15:20"
_NAMED = 5


@dataclass
class SplitPlan:
    """An assignment and what to know of it. counts: {subset: {class: n}}; papers, images: {subset: n}."""

    assignment: dict[int, str]
    ratios: list[float]
    label_cutoff: Any
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    papers: dict[str, int] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    leak_report: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def plan_split(
    dataset: Dataset,
    *,
    ratios: str | Sequence[float] = DEFAULT_RATIOS,
    by: str = Split.By.PAPER,
    seed: int = 0,
    official: Mapping[str, Sequence[str]] | None = None,
    without_accepted: bool = False,
) -> SplitPlan:
    """Assign every labelled image that is not excluded to a subset; nothing is written.

    Without accepted: images whose label was accepted from a model stay out.
    `Refused`: bad_ratios, bad_by, bad_seed, empty_dataset, class_absent_from_train, unknown_paper,
    not_a_split_file.
    """
    shares = read_ratios(ratios)
    if by not in Split.By.values:
        raise Refused(f"A split is made by {', '.join(Split.By.values)}, not by {by!r}.", code="bad_by")
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise Refused("The seed is a whole number from 0 to 2,147,483,647.", code="bad_seed")
    if official is not None and by != Split.By.PAPER:
        raise Refused("Published lists name whole papers: leave out the choice of 'by'.", code="bad_by")
    cutoff = label_cutoff()
    members, accepted = members_as_of(dataset, cutoff, without_accepted=without_accepted)
    warnings: list[str] = []
    if accepted:
        warnings.append(f"Left out: {_counted(accepted, 'image')} labelled by accepting a prediction.")
    if official is None:
        assignment = _assigned(members, shares, by=by, seed=seed)
    else:
        assignment = _as_published(members, shares, seed=seed, official=official, warnings=warnings)
    plan = SplitPlan(assignment=assignment, ratios=shares, label_cutoff=cutoff, warnings=warnings)
    _describe(plan, members, dataset, by=by)
    return plan


def make_split(
    dataset: Dataset,
    *,
    name: str,
    ratios: str | Sequence[float] = DEFAULT_RATIOS,
    by: str = Split.By.PAPER,
    seed: int = 0,
    official: Mapping[str, Sequence[str]] | None = None,
    without_accepted: bool = False,
    author: Any = None,
) -> Split:
    """Plan a split and freeze it under a name. `Refused` as `plan_split`, and bad_name, name_taken."""
    _check_name(dataset, name)
    plan = plan_split(
        dataset, ratios=ratios, by=by, seed=seed, official=official, without_accepted=without_accepted
    )
    split = Split(
        dataset=dataset,
        name=name,
        ratios=plan.ratios,
        by=by,
        seed=seed,
        official=official is not None,
        without_accepted=without_accepted,
        label_cutoff=plan.label_cutoff,
        counts={"classes": plan.counts, "papers": plan.papers, "images": plan.images},
        leak_report=plan.leak_report,
        warnings=plan.warnings,
        created_by=author,
    )
    try:
        with transaction.atomic():
            split.save()
            SplitMember.objects.bulk_create(
                (
                    SplitMember(split=split, image_id=image_id, subset=subset)
                    for image_id, subset in sorted(plan.assignment.items())
                ),
                batch_size=5000,
            )
    except IntegrityError as error:
        _check_name(dataset, name)
        raise Refused(
            "An image of the dataset was deleted meanwhile. Try again.",
            code="dataset_changed",
        ) from error
    return split


def read_ratios(ratios: str | Sequence[float]) -> list[float]:
    """Return [train, val, test] as given, as numbers; `Refused` (bad_ratios) otherwise."""
    parts: Sequence[Any] = ratios.replace(",", ":").split(":") if isinstance(ratios, str) else ratios
    try:
        shares = [float(part) for part in parts]
    except (TypeError, ValueError, OverflowError):
        shares = []
    finite = len(shares) == 3 and all(0 <= share <= 1e9 for share in shares)
    if not finite or shares[0] == 0 or shares[1] + shares[2] == 0:
        raise Refused(
            f"The ratios {ratios!r:.100} are not three numbers train:val:test such as 65:15:20.",
            code="bad_ratios",
        )
    return [int(share) if share == int(share) else share for share in shares]


def find_split(text: str, user: Any = None) -> Split:
    """Return the split named `dataset/name`, or `name` where only one dataset has it."""
    seen = Split.objects.all() if user is None else Split.objects.visible_to(user)
    dataset, _, name = text.rpartition("/")
    wanted = {"name": name, **({"dataset__slug": dataset} if dataset else {})}
    # What is no slug names nothing; some texts no database takes.
    known_as = all(slug_re.match(each) for each in wanted.values())
    found = list(seen.filter(**wanted).select_related("dataset")) if known_as else []
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(str(split) for split in found))
        raise Refused(
            f"Several splits are called {name!r}: {names}. Name one of them.", code="ambiguous_split"
        )
    known = ", ".join(str(split) for split in seen.select_related("dataset")[:20])
    refusal = Refused(
        f"There is no split {text!r}. "
        + (f"There are: {known}." if known else "Make one first: make_split."),
        code="unknown_split",
    )
    refusal.status = 404
    raise refusal


def _check_name(dataset: Dataset, name: str) -> None:
    """Raise `Refused` (bad_name, name_taken) where a new split cannot be called so."""
    try:
        Split._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        raise Refused(
            f"{name!r} cannot name a split: use up to 64 letters, digits, hyphens and underscores.",
            code="bad_name",
        ) from error
    if Split.objects.filter(dataset=dataset, name=name).exists():
        refusal = Refused(
            f"{dataset.slug} has a split {name!r} already, and splits are frozen. Choose another name.",
            code="name_taken",
        )
        refusal.status = 409
        raise refusal


def _assigned(members: Sequence[Member], shares: Sequence[float], *, by: str, seed: int) -> dict[int, str]:
    """Assign the members, whole groups together."""
    chosen = assign_groups(
        keys_of(members, by), [member.label for member in members], shares=shares, seed=seed
    )
    return {member.pk: SUBSETS[place] for member, place in zip(members, chosen, strict=True)}


def _as_published(
    members: Sequence[Member],
    shares: Sequence[float],
    *,
    seed: int,
    official: Mapping[str, Sequence[str]],
    warnings: list[str],
) -> dict[int, str]:
    """Assign by published lists; val is carved out of train where they name none."""
    lists = check_official(official)
    subset_of = {paper: subset for subset, papers in lists.items() for paper in papers}
    papers = {member.paper for member in members}
    unknown = subset_of.keys() - papers
    if len(unknown) == len(subset_of):
        raise Refused(
            "None of the papers listed is in the dataset. Is it the right file?", code="unknown_paper"
        )
    if unknown:
        warnings.append(
            f"Without a labelled image: {_counted(len(unknown), 'paper')} of the lists, {_some(unknown)}."
        )
    left_out = [member for member in members if member.paper not in subset_of]
    if left_out:
        strangers = {member.paper or "(no paper)" for member in left_out}
        warnings.append(
            f"Left out: {_counted(len(left_out), 'image')} of {_counted(len(strangers), 'paper')} "
            f"that the lists do not name, {_some(strangers)}."
        )
    assignment = {
        member.pk: subset_of[member.paper] for member in members if member.paper and member.paper in subset_of
    }
    train = [member for member in members if assignment.get(member.pk) == Subset.TRAIN]
    if Subset.VAL not in lists and shares[1] and train:
        assignment |= _assigned(train, [shares[0], shares[1], 0], by=Split.By.PAPER, seed=seed)
        warnings.append("The lists name no val: it was taken out of train by whole papers.")
    return assignment


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _some(papers: Any) -> str:
    """Name the first few papers."""
    names = sorted(papers)
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _describe(plan: SplitPlan, members: Sequence[Member], dataset: Dataset, *, by: str) -> None:
    """Count, report leaks, warn; `Refused` (class_absent_from_train)."""
    names = [found.name for found in dataset.classes.all()]
    inside = [member for member in members if member.pk in plan.assignment]
    counted = Counter((plan.assignment[member.pk], member.label) for member in inside)
    plan.counts = {subset: {name: counted[subset, name] for name in names} for subset in SUBSETS}
    plan.images = {subset: sum(plan.counts[subset].values()) for subset in SUBSETS}
    papers = {(plan.assignment[member.pk], member.paper_key) for member in inside}
    plan.papers = {subset: sum(where == subset for where, _ in papers) for subset in SUBSETS}
    plan.leak_report = leak_report(plan.assignment, inside)
    for name in names:
        _check_class(name, {subset: plan.counts[subset][name] for subset in SUBSETS}, plan, by=by)
    plan.warnings += leak_warnings(plan.leak_report, by)


def _check_class(name: str, counts: Mapping[str, int], plan: SplitPlan, *, by: str) -> None:
    """Warn of a class that a subset lacks; refuse where only train lacks it."""
    if not any(counts.values()):
        plan.warnings.append(f"{name} has no image in this dataset: a model cannot learn it.")
        return
    if not counts[Subset.TRAIN]:
        raise Refused(
            f"{name} has {sum(counts.values())} images, but none in train: a model could not learn it. "
            f"Label more of it from other papers, give train a larger share, try another seed, "
            f"or exclude its images.",
            code="class_absent_from_train",
        )
    for subset, share in zip(SUBSETS[1:], plan.ratios[1:], strict=True):
        if share and not counts[subset]:
            unit = {"paper": "papers", "panel_group": "panel groups", "image": "images"}[by]
            plan.warnings.append(f"{name} has no image in {subset}: too few {unit} hold it.")
