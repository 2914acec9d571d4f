"""Queues are made of what people ask for: what each kind holds, in which order, and by whose predictions."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from biofors_site.api.chosen import chosen_by
from classifier.models import ModelVersion
from classifier.registry import find_model
from classifier.suspicion import least_believed
from datasets.api.facets import count_up_to
from datasets.errors import Refused
from datasets.models import Dataset, Queue
from datasets.queues.making import MOST_ITEMS, draw_sample, labels_among, make_queue

USUAL_SAMPLE = 200
MOST_SEED = 2**31


class NoPredictions(Refused):
    """Raised where a model is to rank images of which it has said nothing."""

    code = "no_predictions"
    status = 409


@dataclass(frozen=True)
class Recipe:
    """What a kind of queue holds: images by these parameters, in this order.

    `sampled`: a random sample of them instead; `blind`: their labels are not shown. `tells` says to people
    what the queue is good for.
    """

    kind: Queue.Kind
    tells: str
    query: Mapping[str, str] = field(default_factory=dict)
    ordering: str = "id"
    needs_model: bool = False
    sampled: bool = False
    blind: bool = False


RECIPES = {
    recipe.kind: recipe
    for recipe in (
        Recipe(
            Queue.Kind.SUSPECT,
            "Labels that a model believes in least, among images it was not trained on.",
            needs_model=True,
        ),
        Recipe(
            Queue.Kind.DISAGREEMENTS,
            "Where a model says another class than the label, the surest first.",
            {"disagrees": "true"},
            "-confidence",
            needs_model=True,
        ),
        Recipe(
            Queue.Kind.UNCERTAIN,
            "Where a model can hardly tell two classes apart, the closest call first.",
            ordering="margin",
            needs_model=True,
        ),
        Recipe(Queue.Kind.UNLABELLED, "Images that have no label yet.", {"state": "unlabelled"}),
        Recipe(
            Queue.Kind.MIXED,
            "Panels of one figure that bear different classes, side by side.",
            {"mixed": "true"},
            "panel",
        ),
        Recipe(
            Queue.Kind.AUDIT,
            "A random sample of labels: estimates how many of all labels are wrong.",
            {"state": "labelled"},
            sampled=True,
        ),
        Recipe(
            Queue.Kind.SECOND,
            "A random sample for a second person, who does not see the label: measures how far people agree.",
            {"state": "labelled"},
            sampled=True,
            blind=True,
        ),
        Recipe(Queue.Kind.FILTER, "The images of a filter, as the workbench shows them."),
    )
}


def question_of(queue: Queue) -> str:
    """Say what people are asked in a queue."""
    if queue.kind == Queue.Kind.SETTLE:
        return "Two people differ on these images. Which class is it?"
    if queue.blind:
        return (
            "What do these images show? The label that they have is not told; what you say changes no label."
        )
    if queue.kind == Queue.Kind.UNLABELLED:
        return "Which class is it?"
    return "Is the label right? If not, which is?"


@dataclass(frozen=True)
class Wanted:
    """What a person asks of a queue, beside its kind; `filter` narrows what the kind holds."""

    filter: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    model: str = ""
    size: int | None = None
    seed: int | None = None


def open_queue(
    dataset: Dataset, kind: Queue.Kind, wanted: Wanted, *, request: Request | HttpRequest
) -> Queue:
    """Make a queue for the person who asks.

    `Refused`: nothing_to_do, no_model, no_predictions, a filter that is none.
    """
    recipe = RECIPES[kind]
    query = {**wanted.filter, **recipe.query, "dataset": dataset.slug}
    version = _version(recipe, wanted, request)
    if version:
        query["model"] = str(version)
    if kind != Queue.Kind.FILTER or "ordering" not in query:
        query["ordering"] = recipe.ordering
    images, fields, shown = chosen_by(query, request)
    size = min(wanted.size or (USUAL_SAMPLE if recipe.sampled else MOST_ITEMS), MOST_ITEMS)
    seed: int | None = None
    by_class: dict[str, int] = {}
    found: list[tuple[int, float | None]]
    if recipe.sampled:
        seed = secrets.randbelow(MOST_SEED) if wanted.seed is None else wanted.seed
        ids, population = draw_sample(images, size=size, seed=seed)
        found = [(pk, None) for pk in ids]
        by_class = labels_among(images)
    elif kind == Queue.Kind.SUSPECT and version:
        doubts, population = least_believed(images, version=version, most=size)
        found = list(doubts)
    else:
        kept = images.exclude(excluded=True) if kind != Queue.Kind.FILTER else images
        population = count_up_to(kept).count
        scored = fields[0].lstrip("-") if kind == Queue.Kind.UNCERTAIN else None
        ordered = kept.order_by(*(name.partition("=")[0] for name in fields))
        rows = ordered.values_list("pk", *([scored] if scored else []))[:size]
        found = [(row[0], row[1] if scored else None) for row in rows]
    if version and not found:
        check_predicted(dataset, version)
    del query["dataset"]
    return make_queue(
        dataset,
        kind=kind,
        name=wanted.name or _name(recipe, shown),
        images=found,
        population=population,
        population_by_class=by_class,
        author=request.user,
        query=query,
        model=str(shown) if shown else "",
        seed=seed,
        blind=recipe.blind,
    )


def check_predicted(dataset: Dataset, version: ModelVersion) -> None:
    """Refuse a version that has said nothing of a dataset's images: no_predictions."""
    if not version.predictions.filter(image__dataset=dataset).exists():
        raise NoPredictions(f"{version} has not classified this dataset yet. Run bulk inference on it first.")


def _version(recipe: Recipe, wanted: Wanted, request: Any) -> ModelVersion | None:
    """Return the version whose predictions rank the images."""
    named = wanted.model or wanted.filter.get("model") or None
    if not recipe.needs_model and not named:
        return None
    return find_model(named, request.user)


def _name(recipe: Recipe, version: ModelVersion | None) -> str:
    kind = recipe.kind.label
    return f"{kind} by {version}" if version and recipe.needs_model else str(kind)
