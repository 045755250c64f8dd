"""A card says whose order it goes by; who leads it, when it began and who ended it the table asks from now on."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def copy(apps, schema_editor):
    """Copy from each order whom it authorises; a card finished before names who led it as the one who ended it."""
    card = apps.get_model("reception", "ReceptionCard")
    order = apps.get_model("reception", "Authority")
    whose = order.objects.filter(pk=OuterRef("authority")).values("official")
    card.objects.update(authorised=Subquery(whose))
    card.objects.filter(state="finished", finished_by=None).update(finished_by=F("official"))


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("reception", "0002_card_invitation"),
    ]

    operations = [
        migrations.AddField(
            model_name="receptioncard",
            name="authorised",
            field=models.ForeignKey(
                help_text="Должностное лицо приказа: вести приём может только оно (п. 35.1).",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="чьё полномочие",
            ),
        ),
        migrations.RunPython(copy, migrations.RunPython.noop),
    ]
