"""A search for settings: queue its trials, let the better ones go on, end it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from classifier.networks.config import TrainingConfig
from classifier.networks.errors import InvalidConfig
from classifier.networks.spaces import candidates, read_space
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Split
from training_jobs.folds import TooFewPapers, in_folds
from training_jobs.launching import asked_config, check_subsets, checked_name, wake_after_commit
from training_jobs.models import Candidate, IllegalMove, Sweep, TrainingRun
from training_jobs.models.sweep import MOST_CANDIDATES, MOST_FOLDS
from training_jobs.models.training_run import check_priority
from training_jobs.ranking import ranked

DEFAULT_CANDIDATES = 9
MOST_HALVINGS = 2
# A person's own run comes before the many of a search.
DEFAULT_PRIORITY = -10


def queue_sweep(
    split: Split,
    *,
    architecture: str | None = None,
    recipe: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    vary: Mapping[str, object] | None = None,
    number: int = DEFAULT_CANDIDATES,
    method: str = Sweep.Method.RANDOM,
    folds: int = 0,
    seed: int = 0,
    priority: int = DEFAULT_PRIORITY,
    author: Any = None,
) -> Sweep:
    """Queue a search around a configuration; the labels of this moment count for all its trials.

    `vary`: {setting: "0.1..0.5", "8, 16" or a list}; without any, what the architecture proposes. With
    `folds` each candidate is tried on that many folds of train and val, by paper. Unless `config` says
    otherwise the score that counts is macro-F1.

    `Refused`: as `queue_training`, and bad_sweep, too_few_papers, invalid_config (with fields).
    """
    check_priority(priority)
    _check_size(number, method=method, folds=folds, seed=seed)
    base = asked_config(architecture, recipe, config, otherwise={"best_by": "val_macro_f1"})
    try:
        space = read_space(vary or {}, base)
        tried = candidates(space, base, number=number, seed=seed)
    except InvalidConfig as error:
        raise Refused(str(error), code=error.code, fields=error.fields) from error
    cutoff = label_cutoff()
    check_subsets(split, cutoff)
    if folds:
        _check_folds(split, cutoff, folds=folds, seed=seed)
    with transaction.atomic():
        sweep = Sweep.objects.create(
            split=split,
            name=checked_name(name or f"{split.dataset.slug}-{recipe or base.architecture}-sweep"),
            architecture=base.architecture,
            config=base.described(),
            space={name: str(varied) for name, varied in space.items()},
            method=method,
            folds=folds,
            rungs=rungs_of(base, method=method, number=number),
            seed=seed,
            priority=priority,
            label_cutoff=cutoff,
            created_by=author,
        )
        made = [
            Candidate(sweep=sweep, number=place, settings=each) for place, each in enumerate(tried, start=1)
        ]
        _queue_trials(sweep, Candidate.objects.bulk_create(made), rung=0)
    return sweep


def rungs_of(base: TrainingConfig, *, method: str, number: int) -> list[int]:
    """Return after how many epochs candidates are compared; the last is all epochs of a run."""
    epochs = base.total_epochs
    if method == Sweep.Method.RANDOM:
        return [epochs]
    # No more than leave a candidate at the end and an epoch at the start; what comes sooner tells too little.
    halvings = min(MOST_HALVINGS, _floor_log(number), _floor_log(epochs))
    return [max(1, round(epochs / Sweep.FACTOR**left)) for left in range(halvings, -1, -1)]


def cancel_sweep(sweep: Sweep) -> None:
    """End a sweep: trials that wait at once, those at work soon; raises IllegalMove where it has ended."""
    if not sweep.end(Sweep.State.CANCELLED, at=timezone.now()):
        raise IllegalMove(f"{sweep} has ended ({sweep.state}): there is nothing to cancel.")
    for run in trials_of(sweep).active():
        try:
            run.cancel()
        except IllegalMove:
            # It ended meanwhile.
            continue


def advance_sweeps() -> list[str]:
    """Let every running sweep go on whose trials have ended; return what was done.

    Many may do so at once: the row of the sweep is locked, and a trial is there once per rung and fold.
    """
    busy = TrainingRun.objects.active().filter(candidate__sweep=OuterRef("pk"))
    return [told for sweep in Sweep.objects.running().filter(~Exists(busy)) if (told := advance(sweep))]


@transaction.atomic
def advance(sweep: Sweep) -> str:
    """Queue the next rung once the last has ended, or end the sweep; return what was done, "" for nothing."""
    sweep = Sweep.objects.select_for_update().get(pk=sweep.pk)
    trials = trials_of(sweep)
    if not sweep.is_running or trials.active().exists():
        return ""
    rung = max(trials.values_list("rung", flat=True), default=0)
    better = [each.candidate for each in ranked(sweep) if each.rung == rung and each.score is not None]
    if rung + 1 < len(sweep.rungs) and better:
        kept = better[: max(1, len(better) // Sweep.FACTOR)]
        _queue_trials(sweep, kept, rung=rung + 1)
        return f"{sweep}: {len(kept)} of {len(better)} candidates go on to {sweep.rungs[rung + 1]} epochs"
    sweep.end(Sweep.State.FINISHED, at=timezone.now())
    return f"{sweep} is finished"


def trials_of(sweep: Sweep) -> Any:
    """Return the runs of a sweep."""
    return TrainingRun.objects.of_sweep(sweep.pk)


def _queue_trials(sweep: Sweep, kept: Iterable[Candidate], *, rung: int) -> None:
    """Queue the trials of candidates on a rung, and wake a worker."""
    runs = [
        TrainingRun.objects.create(
            split=sweep.split,
            architecture=sweep.architecture,
            name=sweep.name,
            config={**sweep.config, **candidate.settings},
            label_cutoff=sweep.label_cutoff,
            priority=sweep.priority,
            created_by=sweep.created_by,
            candidate=candidate,
            rung=rung,
            fold=fold,
        )
        for candidate in kept
        for fold in sweep.fold_numbers
    ]
    for run in runs:
        wake_after_commit(run)


def _check_size(number: int, *, method: str, folds: int, seed: int) -> None:
    """Raise `Refused` (bad_sweep) where a search cannot be of this size."""
    problems: dict[str, Sequence[str]] = {}
    if not 2 <= number <= MOST_CANDIDATES:
        problems["candidates"] = [f"A sweep tries 2 to {MOST_CANDIDATES} candidates."]
    if method not in Sweep.Method.values:
        problems["method"] = [f"A sweep is made by {' or '.join(Sweep.Method.values)}."]
    if folds not in (0, *range(2, MOST_FOLDS + 1)):
        problems["folds"] = [f"Cross-validation has 2 to {MOST_FOLDS} folds; 0: the subset val judges."]
    if not 0 <= seed < 2**31:
        problems["seed"] = ["The seed is a whole number from 0 to 2,147,483,647."]
    if problems:
        told = " ".join(sentence for each in problems.values() for sentence in each)
        raise Refused(told, code="bad_sweep", fields={name: list(each) for name, each in problems.items()})


def _check_folds(split: Split, cutoff: Any, *, folds: int, seed: int) -> None:
    """Refuse folds that cannot be cut, or that leave nothing to learn from."""
    try:
        cut = in_folds(split, cutoff, folds=folds, seed=seed)
    except ValueError as error:
        raise TooFewPapers(f"Train and val of {split} hold too few images for {folds} folds.") from error
    for left_out in range(folds):
        labels = {each.label for place, fold in enumerate(cut) if place != left_out for each in fold}
        if len(labels) < 2 or not cut[left_out]:
            raise TooFewPapers(
                f"Of the {folds} folds by paper of {split} one leaves nothing to learn from, or to judge by. "
                "Take fewer folds."
            )


def _floor_log(number: int) -> int:
    """Return how often a number can be divided by the factor of halving."""
    return int(math.log(number, Sweep.FACTOR) + 1e-9)
