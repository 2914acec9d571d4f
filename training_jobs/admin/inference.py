"""Bulk inference in the browser."""

from datasets.admin.page import Page


class InferencePage(Page):
    """Inference jobs."""

    title = "Classify a dataset"
    template_name = "page.html"
    permissions = ("training_jobs.view_inferencejob",)


class InferenceJobPage(InferencePage):
    """One inference job."""
