"""The hall: settings, pages that join rooms, the first run."""

from django.apps import AppConfig


class BioforsSiteConfig(AppConfig):
    """The site itself."""

    name = "biofors_site"
    verbose_name = "Site"
