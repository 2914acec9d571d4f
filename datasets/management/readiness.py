"""Whether the database holds the tables that a command needs."""

from collections.abc import Callable

from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor

from datasets.errors import Refused


class DatabaseNotReady(Refused):
    """Raised where tables are missing that only the installation's keeper should make."""

    code = "database_not_ready"


def make_ready(say: Callable[[str], None]) -> None:
    """Make the tables of a new SQLite file; raise DatabaseNotReady where any other database lacks some.

    An older database is never changed unasked, and a server's may be another's.
    """
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return
    if connection.vendor == "sqlite" and not executor.loader.applied_migrations:
        say("Making a new database")
        call_command("migrate", database=DEFAULT_DB_ALIAS, interactive=False, verbosity=0)
        return
    raise DatabaseNotReady(
        f"The database is not ready: {len(missing)} migrations are not applied. "
        "./run manage bootstrap applies them; take a backup of the database first where it holds work."
    )
