"""Make an installation ready: database, roles, first administrator. Running it again changes nothing."""

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from biofors_site.roles import ensure_roles


class Command(BaseCommand):
    """`manage.py bootstrap`."""

    help = "Prepare the database, the roles and the first administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, fill the roles, and create the first administrator where there is none."""
        call_command("migrate", interactive=False, verbosity=0)
        ensure_roles()
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            self.stdout.write("Database and roles are ready.")
            return
        name = os.environ.get("BIOFORS_ADMIN_USER") or "admin"
        password = os.environ.get("BIOFORS_ADMIN_PASSWORD") or secrets.token_urlsafe(12)
        users.create_superuser(username=name, password=password)
        self.stdout.write(f"Database and roles are ready. First administrator: {name}, password: {password}")
        self.stdout.write("The password is shown once; change it under Users.")
