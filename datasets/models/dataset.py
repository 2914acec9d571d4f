"""A dataset: a named collection of images with its own classes."""

from typing import Any

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models, transaction

from datasets.models.label_class import DEFAULT_CLASSES, LabelClass
from datasets.visibility import VisibleQuerySet


class DatasetQuerySet(VisibleQuerySet["Dataset"]):
    """Sets of datasets."""

    @transaction.atomic
    def create_with_classes(
        self, slug: str, *, name: str = "", description: str = "", created_by: Any = None
    ) -> "Dataset":
        """Create a dataset with the five classes of BioFors and their aliases."""
        dataset = self.create(slug=slug, name=name or slug, description=description, created_by=created_by)
        LabelClass.objects.bulk_create(
            LabelClass(dataset=dataset, position=position, **fields)
            for position, fields in enumerate(DEFAULT_CLASSES)
        )
        return dataset


class Dataset(models.Model):
    """A named collection of images, labelled with the dataset's own classes."""

    slug = models.SlugField(max_length=64, unique=True, validators=[MinLengthValidator(1)])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

    def class_named(self, text: str) -> LabelClass:
        """Return the class of that name or alias; `LabelClass.DoesNotExist` otherwise."""
        for label_class in self.classes.all():
            if label_class.accepts(text):
                return label_class
        raise LabelClass.DoesNotExist(f"{text!r} is no class of {self.slug}")
