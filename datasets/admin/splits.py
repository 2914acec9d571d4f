"""Splits: those there are, a new one planned before it is frozen, one with its table and leak report."""

from datasets.admin.page import Page


class SplitsPage(Page):
    """The splits of a dataset."""

    title = "Splits"
    template_name = "page.html"
    permissions = ("datasets.view_split",)
    of_dataset = True


class NewSplitPage(SplitsPage):
    """A split to make."""


class SplitPage(SplitsPage):
    """One split."""
