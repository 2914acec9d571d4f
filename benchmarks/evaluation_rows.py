"""Rows for `benchmarks.evaluation`: a split with a large test subset, and versions that answered it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np

DATASET = "bench"
PER_PAPER = 50
IMPORTED = datetime(2026, 1, 1, tzinfo=UTC)
CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
SHARES = (0.4, 0.3, 0.15, 0.13, 0.02)
# Of images: corrected by a person before the cut-off; images corrected after it.
CORRECTED, LATER = 0.05, 14
# How often each version errs, and by how much that differs between papers.
ERRORS, SPREAD = (0.10, 0.08, 0.12), 0.05
AT_ONCE = 5_000


def fill(size: int, *, training: int) -> dict[str, Any]:
    """Write `size` test images and `training` others with their history, three versions and their answers.

    Returns the split, the versions, and the evaluation of each at the cut-off.
    """
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from biofors_site.roles import ensure_roles
    from classifier.evaluation import evaluate
    from classifier.models import ModelVersion
    from datasets.models import Dataset, Paper, Split

    ensure_roles()
    user = get_user_model().objects.create(username="bench", is_staff=True)
    user.groups.add(Group.objects.get(name="curator"))
    dataset = Dataset.objects.create_with_classes(DATASET)
    classes = list(dataset.classes.all())
    papers = -(-(size + training) // PER_PAPER)
    store(Paper, (Paper(dataset=dataset, identifier=str(number)) for number in range(papers)))
    split = Split.objects.create(
        dataset=dataset,
        name="papers",
        ratios=[0.2, 0, 0.8],
        label_cutoff=IMPORTED,
        counts={"classes": {}, "papers": {}, "images": {"train": training, "val": 0, "test": size}},
        leak_report={"papers": 0, "panel_groups": 0, "exact_bytes": 0},
    )
    kinds = _images(split, classes=classes, size=size, training=training, author=user)
    versions = [
        ModelVersion.objects.create(
            name="bench",
            version=place + 1,
            architecture="cnn",
            classes=[each.name for each in classes],
            config={},
            input_size=8,
            geometry="letterbox",
            directory=f"models/bench/{place + 1}",
            keras_sha256="0" * 64,
            onnx_sha256="1" * 64,
            parity=0.0,
            split=split,
            label_cutoff=IMPORTED,
        )
        for place in range(len(ERRORS))
    ]
    for place, version in enumerate(versions):
        _predictions(version, kinds, wrong=ERRORS[place], seed=place)
    evaluations = [evaluate(version, split=split, cutoff=CUTOFF) for version in versions]
    return {"split": split, "versions": versions, "evaluations": evaluations}


def store(model: Any, rows: Iterator[Any]) -> None:
    """Write rows, some thousands at once."""
    while some := list(islice(rows, AT_ONCE)):
        model.objects.bulk_create(some)


def _images(split: Any, *, classes: list[Any], size: int, training: int, author: Any) -> Any:
    """Write images, their labels as an import and people left them, and their membership.

    Returns the first class of each test image, (size,), by place.
    """
    from datasets.models import Image, Label, LabelBatch, Paper, SplitMember

    rng = np.random.default_rng(1)
    kinds = rng.choice(len(SHARES), size + training, p=SHARES)
    corrected = rng.random(len(kinds)) < CORRECTED
    later = np.isin(np.arange(len(kinds)), rng.choice(size, LATER, replace=False))
    papers = list(Paper.objects.order_by("pk"))
    batch = LabelBatch.objects.create(dataset=split.dataset, kind=LabelBatch.Kind.IMPORT)
    told = [
        [(IMPORTED, int(kind), None)]
        + ([(IMPORTED + timedelta(days=30), int(kind), author)] if was_corrected else [])
        + ([(CUTOFF + timedelta(days=1), (int(kind) + 1) % len(classes), author)] if is_later else [])
        for kind, was_corrected, is_later in zip(kinds, corrected, later, strict=True)
    ]
    sources = {None: Label.Source.IMPORTED, author: Label.Source.PERSON}

    def images() -> Iterator[Any]:
        for place, history in enumerate(told):
            moment, kind, person = history[-1]
            within = place % PER_PAPER
            yield Image(
                dataset=split.dataset,
                paper=papers[place // PER_PAPER],
                file_name=f"{within // 9 + 1:02}{within // 3 % 3 + 1:02}{within % 3 + 1:02}.png",
                sha256=f"{place:064x}",
                byte_size=1000,
                width=int(100 * 2 ** (place % 5)),
                height=int(100 * 2 ** (place % 4)),
                format="PNG",
                label=classes[kind],
                version=len(history),
                label_source=sources[person],
                labelled_by=person,
                labelled_at=moment,
            )

    store(Image, images())
    ids = list(Image.objects.order_by("pk").values_list("pk", flat=True))
    store(
        Label,
        (
            Label(
                image_id=pk,
                version=version,
                label_class=classes[kind],
                source=sources[person],
                author=person,
                batch=batch,
                created_at=moment,
            )
            for pk, history in zip(ids, told, strict=True)
            for version, (moment, kind, person) in enumerate(history, start=1)
        ),
    )
    store(
        SplitMember,
        (
            SplitMember(split=split, image_id=pk, subset="test" if place < size else "train")
            for place, pk in enumerate(ids)
        ),
    )
    return dict(zip(ids[:size], kinds[:size].tolist(), strict=True))


def _predictions(version: Any, kinds: dict[int, int], *, wrong: float, seed: int) -> None:
    """Write what a version says of each test image: in some papers it errs more often than in others."""
    from classifier.models import Prediction

    rng = np.random.default_rng(100 + seed)
    rates = np.clip(rng.normal(wrong, SPREAD, len(kinds) // PER_PAPER + 1), 0, 1)

    def rows() -> Iterator[Any]:
        for place, (image, kind) in enumerate(kinds.items()):
            errs = rng.random() < rates[place // PER_PAPER]
            said = int(rng.integers(len(SHARES))) if errs else kind
            logits = rng.normal(0, 1, len(SHARES))
            logits[said] = logits.max() + rng.exponential(2)
            shares = np.exp(logits) / np.exp(logits).sum()
            row = Prediction(
                version=version,
                image_id=image,
                predicted=version.classes[said],
                confidence=float(shares.max()),
                probabilities=[round(float(each), 7) for each in shares],
            )
            row.measure_uncertainty()
            yield row

    store(Prediction, rows())
