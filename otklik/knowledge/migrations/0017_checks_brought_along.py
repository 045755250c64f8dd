"""A material carried from another Knowledge Base keeps who checked it there and when."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0016_read_aloud")]

    operations = [
        migrations.AlterField(
            model_name="reviewitem",
            name="cause",
            field=models.CharField(
                "почему",
                max_length=8,
                choices=[
                    ("quarter", "проверка квартала"),
                    ("law", "изменилось основание"),
                    ("brought", "проверено там, откуда перенесено"),
                ],
                default="quarter",
            ),
        ),
        migrations.RemoveConstraint(model_name="reviewitem", name="review_item_of_a_duty"),
        migrations.RemoveConstraint(model_name="reviewitem", name="review_item_confirmed_by_somebody"),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=Q(cause="quarter", duty__isnull=False, change__isnull=True)
                | Q(cause="law", change__isnull=False) & ~Q(why="")
                | Q(cause="brought", duty__isnull=True, change__isnull=True, state__in=["confirmed", "changed"]),
                name="review_item_of_a_duty",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewitem",
            constraint=models.CheckConstraint(
                condition=~Q(state="confirmed")
                | Q(cause="brought")
                | Q(decided_by__isnull=False, revision__isnull=False),
                name="review_item_confirmed_by_somebody",
            ),
        ),
    ]
