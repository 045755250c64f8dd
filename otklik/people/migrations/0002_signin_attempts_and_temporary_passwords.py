"""Attempts are counted for the lockout; a password may be temporary; all sessions of an employee can be ended."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="employee",
            name="temporary_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Пусто — пароль свой.",
                null=True,
                verbose_name="временный пароль действует до",
            ),
        ),
        migrations.AddField(
            model_name="employee",
            name="sessions_ended",
            field=models.PositiveIntegerField(
                default=0, editable=False, verbose_name="сколько раз завершены все сеансы"
            ),
        ),
        migrations.CreateModel(
            name="SignInAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.CharField(max_length=64, verbose_name="счётчик")),
                ("at", models.DateTimeField(db_index=True, verbose_name="когда")),
            ],
            options={
                "verbose_name": "попытка входа",
                "verbose_name_plural": "попытки входа",
                "indexes": [models.Index(fields=["who", "at"], name="sign_in_attempts_of")],
            },
        ),
    ]
