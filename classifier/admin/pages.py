"""Pages of models."""

from datasets.admin.page import Page


class ModelsPage(Page):
    """Models."""

    title = "Models"
    template_name = "page.html"
    permissions = ("classifier.view_modelversion",)


class ModelPage(ModelsPage):
    """One model."""


class ComparePage(ModelsPage):
    """Models side by side."""


class ClassifyPage(ModelsPage):
    """Files."""
