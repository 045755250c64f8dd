"""Signs of life of workers and schedulers, and the backups that were made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_access_of_the_day")]

    operations = [
        migrations.CreateModel(
            name="Backup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(auto_now_add=True, verbose_name="начата")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="закончена")),
                ("host", models.CharField(max_length=100, verbose_name="машина")),
                ("name", models.CharField(max_length=300, verbose_name="имя файла")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="размер, байт")),
                ("rows", models.PositiveBigIntegerField(default=0, verbose_name="строк")),
                ("files", models.PositiveBigIntegerField(default=0, verbose_name="файлов")),
                ("missing", models.PositiveIntegerField(default=0, verbose_name="файлов не нашлось")),
                ("encrypted", models.BooleanField(default=False, verbose_name="зашифрована")),
                ("error", models.CharField(blank=True, max_length=500, verbose_name="ошибка")),
            ],
            options={
                "verbose_name": "резервная копия",
                "verbose_name_plural": "резервные копии",
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="WorkerBeat",
            fields=[
                ("process", models.CharField(max_length=120, primary_key=True, serialize=False, verbose_name="процесс")),
                (
                    "kind",
                    models.CharField(
                        choices=[("worker", "обработчик"), ("scheduler", "планировщик")],
                        max_length=10,
                        verbose_name="что делает",
                    ),
                ),
                ("host", models.CharField(max_length=100, verbose_name="машина")),
                ("version", models.CharField(max_length=40, verbose_name="версия")),
                ("started_at", models.DateTimeField(verbose_name="запущен")),
                (
                    "beat_at",
                    models.DateTimeField(help_text="По часам базы данных.", verbose_name="последний признак жизни"),
                ),
                (
                    "clock_ahead",
                    models.FloatField(
                        default=0,
                        help_text="По сравнению с часами базы данных.",
                        verbose_name="часы спешат, секунд",
                    ),
                ),
            ],
            options={
                "verbose_name": "признак жизни процесса",
                "verbose_name_plural": "признаки жизни процессов",
                "ordering": ["kind", "host", "process"],
            },
        ),
    ]
