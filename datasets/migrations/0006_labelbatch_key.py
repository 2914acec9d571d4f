from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datasets', '0005_paper_key'),
    ]

    operations = [
        migrations.AddField(
            model_name='labelbatch',
            name='key',
            field=models.UUIDField(blank=True, editable=False, null=True, unique=True),
        ),
    ]
