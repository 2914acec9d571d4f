"""Part of a file's or a paper's name is found by an index of every three characters in a row."""

from django.core.management.base import CommandError
from django.db import DatabaseError, migrations

# The index of SQLite holds no text of its own: triggers tell it what to add and what to take away.
# A later migration that makes SQLite build the table of images anew must create these triggers again.
ON = {
    "sqlite": (
        """
        CREATE VIRTUAL TABLE datasets_image_names USING fts5(
            file_name, content='datasets_image', content_rowid='id', columnsize=0, tokenize='trigram'
        )""",
        """
        CREATE TRIGGER datasets_image_named AFTER INSERT ON datasets_image BEGIN
            INSERT INTO datasets_image_names (rowid, file_name) VALUES (NEW.id, NEW.file_name);
        END""",
        """
        CREATE TRIGGER datasets_image_renamed AFTER UPDATE OF id, file_name ON datasets_image
        WHEN OLD.id <> NEW.id OR OLD.file_name <> NEW.file_name
        BEGIN
            INSERT INTO datasets_image_names (datasets_image_names, rowid, file_name)
            VALUES ('delete', OLD.id, OLD.file_name);
            INSERT INTO datasets_image_names (rowid, file_name) VALUES (NEW.id, NEW.file_name);
        END""",
        """
        CREATE TRIGGER datasets_image_unnamed AFTER DELETE ON datasets_image BEGIN
            INSERT INTO datasets_image_names (datasets_image_names, rowid, file_name)
            VALUES ('delete', OLD.id, OLD.file_name);
        END""",
        "INSERT INTO datasets_image_names (datasets_image_names) VALUES ('rebuild')",
    ),
    "postgresql": (
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        "CREATE INDEX image_by_part_of_name ON datasets_image USING gin (UPPER(file_name::text) gin_trgm_ops)",
        "CREATE INDEX paper_by_part_of_name ON datasets_paper USING gin (UPPER(identifier::text) gin_trgm_ops)",
    ),
}
# The extension stays: others may use it.
OFF = {
    "sqlite": (
        "DROP TRIGGER datasets_image_named",
        "DROP TRIGGER datasets_image_renamed",
        "DROP TRIGGER datasets_image_unnamed",
        "DROP TABLE datasets_image_names",
    ),
    "postgresql": ("DROP INDEX paper_by_part_of_name", "DROP INDEX image_by_part_of_name"),
}
MISSING = {
    "sqlite": "This Python's SQLite ({error}) has no FTS5 with trigrams: use one of version 3.34 or later that has.",
    "postgresql": (
        "Ask the administrator of the PostgreSQL server to run CREATE EXTENSION pg_trgm; in the database "
        "{database}, then migrate again: the server did not let this user do it ({error})."
    ),
}


def index_names(_apps, schema_editor):
    """Build the index; `CommandError` where the database has no such kind and does not let us add it."""
    connection = schema_editor.connection
    kind, *others = ON[connection.vendor]
    try:
        schema_editor.execute(kind, params=None)
    except DatabaseError as error:
        told = str(error).strip().splitlines()[0]
        database = connection.settings_dict["NAME"]
        raise CommandError(MISSING[connection.vendor].format(error=told, database=database)) from error
    for statement in others:
        schema_editor.execute(statement, params=None)


def drop_index(_apps, schema_editor):
    """Take the index away."""
    for statement in OFF[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [("datasets", "0010_class_letter")]

    operations = [migrations.RunPython(index_names, drop_index)]
