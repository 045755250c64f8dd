from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        # It copies postings: on a new database they may go only after it.
        ("knowledge", "0003_let_out_what_was_public"),
    ]

    operations = [
        migrations.DeleteModel("Posting"),
        migrations.RemoveField("entry", "length"),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("index", models.CharField(max_length=20, verbose_name="указатель")),
                ("key", models.CharField(max_length=60, verbose_name="ключ")),
                ("transaction", models.BigIntegerField(default=0, verbose_name="транзакция")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="когда")),
            ],
            options={
                "verbose_name": "изменение для указателя",
                "verbose_name_plural": "изменения для указателя",
                "indexes": [models.Index(fields=["transaction", "id"], name="search_change_order")],
            },
        ),
        migrations.CreateModel(
            name="IndexHost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.CharField(max_length=32, unique=True, verbose_name="метка")),
                ("name", models.CharField(max_length=80, verbose_name="имя машины")),
                ("position", models.BigIntegerField(verbose_name="прочитано до")),
                ("seen_at", models.DateTimeField(verbose_name="когда читала")),
            ],
            options={
                "verbose_name": "машина с указателем поиска",
                "verbose_name_plural": "машины с указателем поиска",
            },
        ),
    ]
