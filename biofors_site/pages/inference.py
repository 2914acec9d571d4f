"""Bulk inference in the browser where rooms meet: over a dataset, or over what the workbench shows."""

import json

from django.urls import reverse

from biofors_site.api.chosen import BadFilter, chosen_by
from datasets.admin.page import address
from datasets.models import Dataset
from training_jobs.admin.inference import ChosenImages, InferencePage


class WideInferencePage(InferencePage):
    """A form that queues predictions over a dataset or a filter's images, and the jobs there are."""

    def chosen_images(self, dataset: Dataset) -> ChosenImages | None:
        """Return the images that the parameter `filter` chooses, a JSON object of the workbench's filters."""
        text = self.request.POST.get("filter") or self.request.GET.get("filter")
        if not text:
            return None
        try:
            asked = json.loads(text)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise BadFilter("The filter is no JSON object of names and values.")
        query = {**{str(name): str(value) for name, value in asked.items()}, "dataset": dataset.slug}
        images, _, _ = chosen_by({"ordering": "id", **query}, self.request)
        return ChosenImages(images, query, address(reverse("workbench"), **query))
