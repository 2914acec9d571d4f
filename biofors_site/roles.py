"""Roles: what viewers, annotators, curators and admins may do."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

APPS = ("datasets", "classifier", "training_jobs")
ANNOTATES = ("add_label", "add_labelbatch")
CURATES = (
    "add_image",
    "add_dataset",
    "change_dataset",
    "change_labelclass",
    "add_split",
    "add_trainingrun",
    "change_trainingrun",
    "add_inferencejob",
    "change_inferencejob",
    "add_importjob",
    "change_importjob",
    "add_modelimport",
    "change_modelimport",
    "add_promotion",
    "add_evaluation",
    "add_calibration",
    "add_threshold",
    "change_modelversion",
    "delete_modelversion",
    "add_exportjob",
    "change_exportjob",
    "add_queue",
    "change_queue",
)
ROLES = ("viewer", "annotator", "curator", "admin")


@transaction.atomic
def ensure_roles() -> None:
    """Create the four groups and give each its permissions; running it again changes nothing."""
    ours = Permission.objects.filter(content_type__app_label__in=APPS)
    viewing = Q(codename__startswith="view_")
    annotating = viewing | Q(codename__in=ANNOTATES)
    curating = annotating | Q(codename__in=CURATES)
    granted = {
        "viewer": ours.filter(viewing),
        "annotator": ours.filter(annotating),
        "curator": ours.filter(curating),
        "admin": Permission.objects.all(),
    }
    for role in ROLES:
        Group.objects.get_or_create(name=role)[0].permissions.set(granted[role])
