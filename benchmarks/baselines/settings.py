"""The product's settings, with the baselines' pages beside its own."""

from biofors_site.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.baselines.one_by_one"
