import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datasets', '0004_savedview'),
    ]

    operations = [
        migrations.AddField(
            model_name='image',
            name='paper_key',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(models.F('paper'), models.Value(0), output_field=models.BigIntegerField()), output_field=models.BigIntegerField()),
        ),
        migrations.AddIndex(
            model_name='image',
            index=models.Index(models.F('dataset'), models.F('paper_key'), models.F('file_name'), models.F('id'), name='image_by_paper_and_file'),
        ),
    ]
