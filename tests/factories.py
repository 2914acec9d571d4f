"""Rows to test with: users, datasets with their classes, papers, images with tiny bytes in the store."""

import hashlib
from datetime import datetime
from io import BytesIO
from typing import Any

import factory
import numpy as np
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory
from PIL import Image as Picture

from datasets.models import Dataset, Image, Label, LabelBatch, LabelClass, Paper
from datasets.models.image import panel_position
from datasets.panel_groups import mark_mixed
from datasets.store import put


def png(seed: int = 0, *, width: int = 16, height: int = 12) -> bytes:
    """A small PNG whose pixels follow from the seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    written = BytesIO()
    Picture.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


class UserFactory(DjangoModelFactory[Any]):
    """A person without a role."""

    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"person{n}")
    is_staff = True


class DatasetFactory(DjangoModelFactory[Dataset]):
    """A dataset with the five classes."""

    class Meta:
        model = Dataset

    slug = factory.Sequence(lambda n: f"dataset{n}")
    name = factory.SelfAttribute("slug")

    @classmethod
    def _create(cls, model_class: type[Dataset], *args: Any, **kwargs: Any) -> Dataset:
        description = kwargs.pop("description", "")
        made = model_class.objects.create_with_classes(**kwargs)
        if description:
            made.description = description
            made.save()
        return made


class PaperFactory(DjangoModelFactory[Paper]):
    """A paper of a dataset."""

    class Meta:
        model = Paper

    dataset = factory.SubFactory(DatasetFactory)
    identifier = factory.Sequence(lambda n: str(1000 + n))


class ImageFactory(DjangoModelFactory[Image]):
    """An image with bytes in the store (of `seed`, or `data`); `label="FAC"` labels it as an import does."""

    class Meta:
        model = Image

    paper = factory.SubFactory(PaperFactory)
    dataset = factory.LazyAttribute(lambda made: made.paper.dataset)
    seed = factory.Sequence(lambda n: n)
    file_name = factory.Sequence(lambda n: f"{n // 10000 % 100:02}{n // 100 % 100:02}{n % 100:02}.png")

    @classmethod
    def _create(cls, model_class: type[Image], *args: Any, **kwargs: Any) -> Image:
        label = kwargs.pop("label", None)
        at = timezone.now()
        seed = kwargs.pop("seed")
        data = kwargs.pop("data", None) or png(seed)
        figure, panel_group = panel_position(kwargs["file_name"])
        if isinstance(label, str):
            label = kwargs["dataset"].class_named(label)
        image = model_class.objects.create(
            sha256=put(data),
            byte_size=len(data),
            width=16,
            height=12,
            format="PNG",
            figure=figure,
            panel_group=panel_group,
            label=label,
            version=1 if label else 0,
            label_source=Label.Source.IMPORTED if label else "",
            labelled_at=at if label else None,
            **kwargs,
        )
        if label:
            with transaction.atomic():
                _import_label(image, label, at)
                mark_mixed([image.pk])
            image.refresh_from_db(fields=["mixed"])
        return image


def _import_label(image: Image, label: LabelClass, at: datetime) -> None:
    """Write the first row of an image's history, as an import does."""
    batch = LabelBatch.objects.create(dataset=image.dataset, kind=LabelBatch.Kind.IMPORT)
    Label.objects.create(
        image=image,
        version=1,
        label_class=label,
        source=Label.Source.IMPORTED,
        batch=batch,
        created_at=at,
    )


def sha256(data: bytes) -> str:
    """The name that the store gives these bytes."""
    return hashlib.sha256(data).hexdigest()
