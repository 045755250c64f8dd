import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("appeals", "0002_initial"),
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="draftrevision",
            name="version",
            field=models.PositiveIntegerField(
                default=0, help_text="Редакция действует, пока у проекта эта версия.", verbose_name="версия проекта"
            ),
            preserve_default=False,
        ),
    ]
