"""Training runs in the browser."""

from datasets.admin.page import Page


class TrainingPage(Page):
    """Training runs."""

    title = "Training"
    template_name = "page.html"
    permissions = ("training_jobs.view_trainingrun",)
    of_dataset = True


class NewRunPage(TrainingPage):
    """A run to queue."""


class RunPage(TrainingPage):
    """One run."""
