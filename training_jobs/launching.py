"""Queue work: check that it can succeed, write its row, wake a worker once the row stands."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from classifier.answers import EmptySubset
from classifier.evaluation import check_classes, check_subset, labelled_in, labels_as_of
from classifier.models import ModelVersion
from classifier.networks.config import ARCHITECTURES, FIELDS, TrainingConfig
from classifier.networks.errors import NetworkError
from classifier.networks.recipes import RECIPES, Recipe
from datasets.errors import Refused
from datasets.importing.sources import check_slug
from datasets.label_times import label_cutoff
from datasets.models import Dataset, Image, Split, Subset
from training_jobs.archives import ArchiveMissing, Upload, checked_archive, keep_archive
from training_jobs.models import ImportJob, InferenceJob, Job, TrainingRun
from training_jobs.models.training_run import check_priority
from training_jobs.planning import lists_of, write_chunks
from training_jobs.training_set import check_the_same, training_set_sha256

logger = logging.getLogger(__name__)


def queue_training(
    split: Split,
    *,
    architecture: str | None = None,
    recipe: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    priority: int = 0,
    author: Any = None,
) -> TrainingRun:
    """Queue a training run; the labels of this moment count. Without a name it is `<dataset>-<architecture>`.

    A `recipe` brings an architecture and settings, which `config` may change. Of those that wait the highest
    `priority` is next.

    `Refused`: bad_priority, unknown_recipe, unknown_architecture, bad_name, invalid_config (with fields),
    random_base_frozen, weights_unavailable, empty_subset, class_absent_from_train, nothing_to_train_on.
    """
    check_priority(priority)
    checked = asked_config(architecture, recipe, config)
    name = checked_name(name or f"{split.dataset.slug}-{recipe or checked.architecture}")
    cutoff = label_cutoff()
    check_subsets(split, cutoff)
    run = TrainingRun.objects.create(
        split=split,
        architecture=checked.architecture,
        name=name,
        # Described: of a weights file only its name, because people see this.
        config=checked.described(),
        label_cutoff=cutoff,
        priority=priority,
        created_by=author,
    )
    wake_after_commit(run)
    return run


def asked_config(
    architecture: str | None,
    recipe: str | None,
    config: Mapping[str, Any] | None,
    *,
    otherwise: Mapping[str, Any] | None = None,
) -> TrainingConfig:
    """Return the configuration of an architecture or a recipe with changes; `Refused` where there is none.

    `otherwise` holds what counts where neither recipe nor changes say anything.
    """
    named = _recipe(recipe, architecture) if recipe else None
    given = {**(otherwise or {}), **(named.settings if named else {}), **(config or {})}
    return checked_config(named.architecture if named else architecture or "", given)


def _recipe(name: str, architecture: str | None) -> Recipe:
    """Return a recipe; `Refused` (unknown_recipe) where there is none, or it is of another architecture."""
    recipe = RECIPES.get(name)
    if recipe is None:
        raise Refused(
            f"There is no recipe {name!r:.40}: it is {' or '.join(RECIPES)}.", code="unknown_recipe"
        )
    if architecture not in (None, "", recipe.architecture):
        raise Refused(
            f"The recipe {name} is of {recipe.architecture}, not of {architecture}.",
            code="unknown_recipe",
        )
    return recipe


def queue_again(
    version: ModelVersion, *, name: str | None = None, priority: int = 0, author: Any = None
) -> TrainingRun:
    """Queue the training of a version again: its split, its settings, the labels as they were then.

    `Refused`: bad_priority, not_trained_here, training_set_changed, weights_changed as the run begins.
    """
    check_priority(priority)
    if version.split is None or version.label_cutoff is None or not version.can_be_repeated:
        raise Refused(
            f"{version} was not trained here, or its training set was not recorded: it cannot be repeated.",
            code="not_trained_here",
        )
    check_the_same(version, training_set_sha256(version.split, version.label_cutoff))
    run = TrainingRun.objects.create(
        split=version.split,
        architecture=version.architecture,
        name=checked_name(name or version.name),
        config=version.config,
        label_cutoff=version.label_cutoff,
        like=version,
        priority=priority,
        created_by=author,
    )
    wake_after_commit(run)
    return run


def queue_inference(
    dataset: Dataset,
    *,
    version: ModelVersion,
    images: Any = None,
    chosen_by: Mapping[str, str] | None = None,
    author: Any = None,
) -> InferenceJob:
    """Queue a version's predictions over a dataset, or over a queryset of its images.

    What `images` gives is a list from now on: no image comes or goes while the job waits. `chosen_by` are the
    parameters that chose them. `Refused`: empty_dataset, nothing_to_do.
    """
    if images is None:
        if not Image.objects.filter(dataset=dataset).exists():
            raise Refused(f"{dataset.slug} holds no images. Import some first.", code="empty_dataset")
        lists = []
    elif not (lists := lists_of(images)):
        raise Refused("No image matches the filter. Loosen it.", code="nothing_to_do")
    with transaction.atomic():
        job = InferenceJob.objects.create(
            dataset=dataset,
            version=version,
            filter=None if images is None else dict(chosen_by or {}),
            total=sum(map(len, lists)),
            created_by=author,
        )
        write_chunks(job, lists)
        wake_after_commit(job)
    return job


def queue_evaluation(
    version: ModelVersion, *, split: Split, subset: str = Subset.TEST, author: Any = None
) -> InferenceJob:
    """Queue an evaluation, by the labels of now; `Refused`: bad_subset, empty_subset, other_classes."""
    check_subset(subset)
    check_classes(version, split)
    cutoff = label_cutoff()
    if not labelled_in(split, subset, cutoff).exists():
        raise EmptySubset(split, subset)
    job = InferenceJob.objects.create(
        kind=InferenceJob.Kind.EVALUATION,
        version=version,
        dataset=split.dataset,
        split=split,
        subset=subset,
        label_cutoff=cutoff,
        created_by=author,
    )
    wake_after_commit(job)
    return job


def queue_import(
    archive: Upload | Path | None,
    *,
    dataset_slug: str,
    dry_run: bool = True,
    author: Any = None,
    checked_by: ImportJob | None = None,
    classify_with: ModelVersion | None = None,
) -> ImportJob:
    """Keep an archive and queue its check (`dry_run`) or import; `checked_by`: import what that one checked.

    Once imported, the version `classify_with`, else that of the check, classifies what came in.

    `Refused`: bad_slug, not_an_archive, archive_too_large, archive_missing, not_checked.
    """
    if checked_by is not None:
        kept, shown = checked_archive(checked_by), checked_by.archive_name
        dataset_slug = checked_by.dataset_slug
    elif archive is not None:
        check_slug(dataset_slug)
        kept, shown = keep_archive(archive), Path(archive.name or "archive.zip").name[:255]
    else:
        raise ArchiveMissing("No archive was given. Choose a zip file.")
    job = ImportJob.objects.create(
        dataset_slug=dataset_slug,
        archive=kept,
        archive_name=shown,
        dry_run=dry_run,
        checked_by=checked_by,
        classify_with=classify_with or (checked_by.classify_with if checked_by else None),
        created_by=author,
    )
    wake_after_commit(job)
    return job


def wake_after_commit(job: Job) -> None:
    """Wake a worker once the row can be seen by it."""
    transaction.on_commit(lambda: wake(job))


def wake(job: Job) -> bool:
    """Send the message that wakes a worker; False where the broker is down: the reaper sends it again."""
    try:
        current_app.send_task(
            job.TASK, args=[job.pk], queue=job.QUEUE, retry=False, ignore_result=True, expires=None
        )
    except Exception as error:  # each broker has errors of its own; none may lose the row
        logger.warning("%s waits, but no worker could be woken: %s", job, error)
        return False
    return True


def retry(job: Job) -> None:
    """Queue an ended job again and wake a worker; raises IllegalMove."""
    job.retry()
    wake_after_commit(job)


def queue_position(job: Job) -> int:
    """Return the job's place among those of its kind that wait, from 1; 0 where it does not wait."""
    if job.state != Job.State.QUEUED:
        return 0
    return queue_places(type(job)).get(job.pk, 0)


def queue_places(kind: type[Job]) -> dict[int, int]:
    """Return the place, from 1, of each job of a kind that waits; those that one may not see count too."""
    rows: Any = kind._default_manager.all()
    return {pk: place for place, pk in enumerate(rows.in_turn().values_list("pk", flat=True), start=1)}


def checked_config(architecture: str, config: Mapping[str, Any]) -> TrainingConfig:
    """Return the configuration of a run; `Refused` as the networks refuse it, with the fields at fault."""
    if architecture not in ARCHITECTURES:
        raise Refused(
            f"There is no architecture {architecture!r}: it is {' or '.join(ARCHITECTURES)}.",
            code="unknown_architecture",
        )
    try:
        defaults = TrainingConfig.defaults(architecture, weights=settings.RESNET50_WEIGHTS)
        checked = defaults.with_overrides(config)
        checked.check_weights()
    except NetworkError as error:
        raise Refused(str(error), code=error.code, fields=getattr(error, "fields", None)) from error
    return checked


def defaults_of(architecture: str) -> dict[str, Any]:
    """Return the settings of an architecture that a run may change, as this installation proposes them."""
    proposed = TrainingConfig.defaults(architecture, weights=settings.RESNET50_WEIGHTS).as_dict()
    return {name: value for name, value in proposed.items() if FIELDS[name].editable}


def check_subsets(split: Split, cutoff: Any) -> None:
    """Refuse a split whose train subset, by the labels of the cut-off, nothing can be learnt from."""
    train = set(labels_as_of(split, Subset.TRAIN, cutoff).values())
    if not train:
        raise Refused(
            f"The train subset of {split} holds no labelled image. Label some, or make another split.",
            code="empty_subset",
        )
    others = {
        name for subset in (Subset.VAL, Subset.TEST) for name in labels_as_of(split, subset, cutoff).values()
    }
    if absent := sorted(others - train):
        raise Refused(
            f"{', '.join(absent)}: in val or test of {split}, but not in train: a model could not learn it. "
            "Make a new split: make_split assigns by the labels of now.",
            code="class_absent_from_train",
        )
    if len(train) < 2:
        raise Refused(
            f"Every image in train of {split} is {min(train)}. Training needs at least two classes.",
            code="nothing_to_train_on",
        )


def checked_name(name: str) -> str:
    """Return the name of a model; `Refused` (bad_name) where it cannot be one."""
    name = name[:64]
    try:
        ModelVersion._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        suggestion = slugify(name)
        raise Refused(
            f"{name!r} cannot name a model: use up to 64 letters, digits, hyphens and underscores"
            + (f", such as {suggestion}." if suggestion else "."),
            code="bad_name",
        ) from error
    return name
