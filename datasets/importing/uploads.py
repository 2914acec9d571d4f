"""One image from outside, as the REST door takes it."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from datasets.decoding import safe_file_name, safe_paper
from datasets.errors import Refused
from datasets.importing.new_images import new_image
from datasets.importing.reading import facts_of
from datasets.label_times import time_of_labels
from datasets.models import Dataset, Image, Label, LabelBatch, LabelClass, Paper
from datasets.panel_groups import mark_mixed
from datasets.store import digest, put_many


class NameTaken(Refused):
    """Raised where the dataset has an image of that paper and name with other bytes."""

    code = "name_taken"
    status = 409


def store_image(
    dataset: Dataset,
    *,
    data: bytes,
    file_name: str,
    paper: str | None = None,
    label: str | None = None,
    author: Any = None,
) -> tuple[Image, bool]:
    """Store one image; return it and whether it is new: the same bytes under the same name are found again.

    `ImageRefused`, `NameTaken`, or `Refused` (unknown_label); nothing is written then.
    """
    safe_file_name(file_name)
    paper = safe_paper(paper) if paper else None
    label_class = _class_named(dataset, label)
    sha256 = digest(data)
    standing = _standing(dataset, paper, file_name, sha256)
    if standing:
        return standing, False
    facts = facts_of(data, sha256)
    put_many([(sha256, data)])
    try:
        with transaction.atomic():
            row = Paper.objects.get_or_create(dataset=dataset, identifier=paper)[0] if paper else None
            at = time_of_labels()
            image = new_image(
                facts,
                dataset=dataset,
                paper_id=row.pk if row else None,
                file_name=file_name,
                label_id=label_class.pk if label_class else None,
                source=Label.Source.PERSON,
                author=author,
                at=at,
            )
            image.save()
            if label_class:
                _first_label(image, label_class, author, at)
                mark_mixed([image.pk])
    except IntegrityError:
        # Somebody stored the same name between the look and the write.
        standing = _standing(dataset, paper, file_name, sha256)
        if standing is None:
            raise
        return standing, False
    return image, True


def _first_label(image: Image, label_class: LabelClass, author: Any, at: datetime) -> None:
    batch = LabelBatch.objects.create(
        dataset=image.dataset, kind=LabelBatch.Kind.IMPORT, author=author, reason="uploaded with its label"
    )
    Label.objects.create(
        image=image,
        version=1,
        label_class=label_class,
        source=Label.Source.PERSON,
        author=author,
        batch=batch,
        created_at=at,
    )


def _class_named(dataset: Dataset, label: str | None) -> LabelClass | None:
    if not label:
        return None
    try:
        return dataset.class_named(label)
    except LabelClass.DoesNotExist as error:
        known = ", ".join(dataset.classes.values_list("name", flat=True))
        raise Refused(
            f"{label!r} is no class of {dataset.slug}. Classes: {known}.", code="unknown_label"
        ) from error


def _standing(dataset: Dataset, paper: str | None, file_name: str, sha256: str) -> Image | None:
    """Return the stored image of that paper and name; `NameTaken` where its bytes are others."""
    images = Image.objects.filter(dataset=dataset, file_name=file_name)
    image = images.filter(paper__identifier=paper).first() if paper else images.filter(paper=None).first()
    if image and image.sha256 != sha256:
        raise NameTaken(f"The dataset has an image {image} with other bytes. Give this one another name.")
    return image
