"""Two administrators are told apart by a version; a transfer to another unit waits for its day."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("people", "0002_signin_attempts_and_temporary_passwords"),
    ]

    operations = [
        migrations.AddField(
            model_name="employee",
            name="version",
            field=models.PositiveIntegerField(
                default=1, help_text="Растёт с каждой правкой сведений.", verbose_name="версия"
            ),
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_on", models.DateField(verbose_name="с какого дня")),
                ("basis", models.CharField(blank=True, max_length=300, verbose_name="основание")),
                ("done", models.BooleanField(default=False, verbose_name="состоялся")),
                (
                    "employee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="transfers",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="сотрудник",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.unit",
                        verbose_name="куда",
                    ),
                ),
                (
                    "was",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.unit",
                        verbose_name="откуда",
                    ),
                ),
            ],
            options={
                "verbose_name": "перевод сотрудника",
                "verbose_name_plural": "переводы сотрудников",
                "ordering": ["-starts_on", "-id"],
            },
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                models.F("employee"), condition=models.Q(("done", False)), name="one_coming_transfer"
            ),
        ),
    ]
