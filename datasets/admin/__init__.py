"""The doors of datasets in the web: tables of the admin, and pages."""

from datasets.admin import tables  # noqa: F401
