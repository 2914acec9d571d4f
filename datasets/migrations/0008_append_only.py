"""Labels are append-only in the database itself, and keep their authors."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

REFUSAL = "labels are append-only: record a correction as a new row; only purge_dataset removes them"

# The row can be written, but not committed: no row 0 may ever exist for `end_id` to point at.
MAINTENANCE = """
    CREATE TABLE datasets_maintenance (
        id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
        end_id smallint NOT NULL CHECK (end_id = 0)
            REFERENCES datasets_maintenance (id) DEFERRABLE INITIALLY DEFERRED
    )"""

ON = {
    "sqlite": (
        MAINTENANCE,
        f"""
        CREATE TRIGGER datasets_label_no_update BEFORE UPDATE ON datasets_label
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
        f"""
        CREATE TRIGGER datasets_label_no_delete BEFORE DELETE ON datasets_label
        WHEN NOT EXISTS (SELECT 1 FROM datasets_maintenance)
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
        # INSERT OR REPLACE deletes the row that is in its way without the trigger above.
        f"""
        CREATE TRIGGER datasets_label_no_replace BEFORE INSERT ON datasets_label
        WHEN EXISTS (
            SELECT 1 FROM datasets_label
            WHERE id = NEW.id OR (image_id = NEW.image_id AND version = NEW.version)
        )
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    ),
    "postgresql": (
        MAINTENANCE,
        f"""
        CREATE FUNCTION datasets_label_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'UPDATE' AND EXISTS (SELECT 1 FROM datasets_maintenance) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
        END $$""",
        """
        CREATE TRIGGER datasets_label_append_only BEFORE UPDATE OR DELETE ON datasets_label
        FOR EACH ROW EXECUTE FUNCTION datasets_label_append_only()""",
        """
        CREATE TRIGGER datasets_label_no_truncate BEFORE TRUNCATE ON datasets_label
        FOR EACH STATEMENT EXECUTE FUNCTION datasets_label_append_only()""",
    ),
}
OFF = {
    "sqlite": (
        "DROP TRIGGER datasets_label_no_replace",
        "DROP TRIGGER datasets_label_no_delete",
        "DROP TRIGGER datasets_label_no_update",
        "DROP TABLE datasets_maintenance",
    ),
    "postgresql": (
        "DROP TRIGGER datasets_label_no_truncate ON datasets_label",
        "DROP TRIGGER datasets_label_append_only ON datasets_label",
        "DROP FUNCTION datasets_label_append_only()",
        "DROP TABLE datasets_maintenance",
    ),
}


def guard(_apps, schema_editor):
    """Let the database refuse what changes a label."""
    for statement in ON[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def unguard(_apps, schema_editor):
    """Take the guard away."""
    for statement in OFF[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ("datasets", "0007_imagecount"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Maintenance",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("end", models.ForeignKey(default=0, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="datasets.maintenance")),
            ],
            options={
                "db_table": "datasets_maintenance",
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.AlterField(
            model_name="label",
            name="author",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name="labelbatch",
            name="author",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        # Last: on SQLite what rebuilds the table of labels loses its triggers.
        migrations.RunPython(guard, unguard),
    ]
