"""Roles of an installation that already works: the chief editor keeps the dictionary of search."""

from django.db import migrations

POWER = "knowledge.words"


def give(apps, schema_editor):
    """Give the power from the day the role has any; a second run adds nothing."""
    RolePower = apps.get_model("people", "RolePower")
    first = RolePower.objects.filter(role="kb_chief").order_by("valid_from").first()
    if first and not RolePower.objects.filter(role="kb_chief", power=POWER).exists():
        RolePower.objects.create(role_id="kb_chief", power=POWER, valid_from=first.valid_from)


class Migration(migrations.Migration):

    dependencies = [("people", "0007_law_powers")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop, elidable=True)]
