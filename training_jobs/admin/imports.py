"""Imports in the browser: a zip is checked first, then imported."""

from datasets.admin.page import Page


class ImportsPage(Page):
    """Imports."""

    title = "Imports"
    template_name = "page.html"
    permissions = ("training_jobs.view_importjob",)
    of_dataset = True


class ImportPage(ImportsPage):
    """One import."""
