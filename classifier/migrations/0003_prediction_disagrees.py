"""Whether the label in force differs from what was predicted is kept beside the prediction by the database."""

from django.db import migrations, models

# Triggers on three tables, two of them of another room, and each speaks of the others: SQLite refuses a migration that
# builds one of the three anew while they stand ("error in trigger classifier_..."). A migration of this room must drop
# them before it (`run_before`), and another create them again after it.

ON = {
    "sqlite": (
        """
        CREATE TRIGGER classifier_prediction_compared AFTER INSERT ON classifier_prediction BEGIN
            UPDATE classifier_prediction SET disagrees = predicted <> (
                SELECT name FROM datasets_labelclass
                WHERE id = (SELECT label_id FROM datasets_image WHERE id = NEW.image_id)
            ) WHERE id = NEW.id;
        END""",
        """
        CREATE TRIGGER classifier_prediction_compared_anew
        AFTER UPDATE OF predicted, image_id ON classifier_prediction BEGIN
            UPDATE classifier_prediction SET disagrees = predicted <> (
                SELECT name FROM datasets_labelclass
                WHERE id = (SELECT label_id FROM datasets_image WHERE id = NEW.image_id)
            ) WHERE id = NEW.id;
        END""",
        """
        CREATE TRIGGER classifier_image_compared AFTER UPDATE OF label_id ON datasets_image
        WHEN OLD.label_id IS NOT NEW.label_id
        BEGIN
            UPDATE classifier_prediction
            SET disagrees = predicted <> (SELECT name FROM datasets_labelclass WHERE id = NEW.label_id)
            WHERE image_id = NEW.id;
        END""",
        """
        CREATE TRIGGER classifier_class_compared AFTER UPDATE OF name ON datasets_labelclass
        WHEN OLD.name <> NEW.name
        BEGIN
            UPDATE classifier_prediction SET disagrees = predicted <> NEW.name
            WHERE image_id IN (SELECT id FROM datasets_image WHERE label_id = NEW.id)
                AND predicted IN (OLD.name, NEW.name);
        END""",
    ),
    # Who compares a prediction waits for a label that is on its way to its image, and the other way round; who
    # renames a class waits for all who label or predict, and they for him. A label's change is compared row by row:
    # so each is looked up by its index, in the order in which the images are locked, however many a statement changes.
    "postgresql": (
        # One version's prediction may be as seldom another as another's is often.
        """
        CREATE STATISTICS prediction_version_and_disagrees (mcv)
        ON version_id, disagrees FROM classifier_prediction""",
        """
        CREATE FUNCTION classifier_compare_prediction() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            class bigint;
        BEGIN
            SELECT label_id INTO class FROM datasets_image WHERE id = NEW.image_id FOR SHARE;
            NEW.disagrees := NEW.predicted <> (SELECT name FROM datasets_labelclass WHERE id = class);
            RETURN NEW;
        END $$""",
        """
        CREATE TRIGGER classifier_prediction_compared
        BEFORE INSERT OR UPDATE OF predicted, image_id ON classifier_prediction
        FOR EACH ROW EXECUTE FUNCTION classifier_compare_prediction()""",
        """
        CREATE FUNCTION classifier_compare_image() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            class text;
        BEGIN
            SELECT name INTO class FROM datasets_labelclass WHERE id = NEW.label_id;
            UPDATE classifier_prediction SET disagrees = predicted <> class
            WHERE image_id = NEW.id AND disagrees IS DISTINCT FROM (predicted <> class);
            RETURN NULL;
        END $$""",
        """
        CREATE TRIGGER classifier_image_compared AFTER UPDATE OF label_id ON datasets_image
        FOR EACH ROW WHEN (OLD.label_id IS DISTINCT FROM NEW.label_id)
        EXECUTE FUNCTION classifier_compare_image()""",
        """
        CREATE FUNCTION classifier_hold_off_others() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            LOCK TABLE datasets_image, classifier_prediction IN SHARE ROW EXCLUSIVE MODE;
            RETURN NULL;
        END $$""",
        """
        CREATE TRIGGER classifier_class_alone BEFORE UPDATE OF name ON datasets_labelclass
        FOR EACH STATEMENT EXECUTE FUNCTION classifier_hold_off_others()""",
        """
        CREATE FUNCTION classifier_compare_class() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE classifier_prediction SET disagrees = predicted <> NEW.name FROM datasets_image
            WHERE datasets_image.id = image_id AND label_id = NEW.id AND predicted IN (OLD.name, NEW.name);
            RETURN NULL;
        END $$""",
        """
        CREATE TRIGGER classifier_class_compared AFTER UPDATE OF name ON datasets_labelclass
        FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION classifier_compare_class()""",
    ),
}
OFF = {
    "sqlite": (
        "DROP TRIGGER classifier_class_compared",
        "DROP TRIGGER classifier_image_compared",
        "DROP TRIGGER classifier_prediction_compared_anew",
        "DROP TRIGGER classifier_prediction_compared",
    ),
    "postgresql": (
        "DROP TRIGGER classifier_class_compared ON datasets_labelclass",
        "DROP TRIGGER classifier_class_alone ON datasets_labelclass",
        "DROP TRIGGER classifier_image_compared ON datasets_image",
        "DROP TRIGGER classifier_prediction_compared ON classifier_prediction",
        "DROP FUNCTION classifier_compare_class()",
        "DROP FUNCTION classifier_hold_off_others()",
        "DROP FUNCTION classifier_compare_image()",
        "DROP FUNCTION classifier_compare_prediction()",
        "DROP STATISTICS prediction_version_and_disagrees",
    ),
}
COMPARE_ALL = """
UPDATE classifier_prediction SET disagrees = predicted <> datasets_labelclass.name
FROM datasets_image JOIN datasets_labelclass ON datasets_labelclass.id = datasets_image.label_id
WHERE datasets_image.id = classifier_prediction.image_id
"""


def create_triggers(_apps, schema_editor):
    """Let the database compare from now on."""
    for statement in ON[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def drop_triggers(_apps, schema_editor):
    """Stop comparing."""
    for statement in OFF[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ("classifier", "0002_prediction_uncertainty"),
        ("datasets", "0011_image_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="disagrees",
            field=models.BooleanField(editable=False, null=True),
        ),
        # The triggers first: making them keeps writers out until all are compared.
        migrations.RunPython(create_triggers, drop_triggers),
        migrations.RunSQL(COMPARE_ALL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(condition=models.Q(("disagrees", True)), fields=["version", "confidence", "image"], name="prediction_disagreeing_sure"),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(condition=models.Q(("disagrees", True)), fields=["version", "margin", "image"], name="prediction_disagreeing_margin"),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(condition=models.Q(("disagrees", True)), fields=["version", "entropy", "image"], name="prediction_disagreeing_entropy"),
        ),
        # Last: of indexes that look alike to it SQLite takes the newest; this one has images in order.
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(condition=models.Q(("disagrees", True)), fields=["version", "image"], name="prediction_disagreeing"),
        ),
    ]
