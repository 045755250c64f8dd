"""Who leads a reception is whom its order authorises, begun it has its hour, and he himself ends it: by the table."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("reception", "0003_the_order_of_the_card_is_his"),
    ]

    operations = [
        migrations.AlterField(
            model_name="receptioncard",
            name="authorised",
            field=models.ForeignKey(
                help_text="Должностное лицо приказа: вести приём может только оно (п. 35.1).",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="чьё полномочие",
            ),
        ),
        migrations.AddConstraint(
            model_name="receptioncard",
            constraint=models.CheckConstraint(condition=Q(authorised=F("official")), name="card_official_is_authorised"),
        ),
        migrations.AddConstraint(
            model_name="receptioncard",
            constraint=models.CheckConstraint(
                condition=~Q(state__in=("open", "paused", "finished")) | Q(started_at__isnull=False),
                name="card_begun_has_its_hour",
            ),
        ),
        migrations.AddConstraint(
            model_name="receptioncard",
            constraint=models.CheckConstraint(
                condition=~Q(state="finished") | Q(finished_by__isnull=False, finished_by=F("official")),
                name="card_finished_by_its_official",
            ),
        ),
        migrations.AddConstraint(
            model_name="cardhandover",
            constraint=models.CheckConstraint(condition=~Q(ground=""), name="handover_names_its_ground"),
        ),
        migrations.AddConstraint(
            model_name="cardhandover",
            constraint=models.CheckConstraint(condition=~Q(to=F("was")), name="handover_to_another"),
        ),
    ]
