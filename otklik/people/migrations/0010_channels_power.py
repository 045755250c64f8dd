"""The administrators of an installation that already works connect channels."""

from django.db import migrations


def give(apps, schema_editor):
    """Give the power from the day the role has any; a second run adds nothing."""
    held = apps.get_model("people", "RolePower").objects.filter(role="admin")
    first = held.order_by("valid_from").first()
    if first and not held.filter(power="channels.connect").exists():
        held.create(role_id="admin", power="channels.connect", valid_from=first.valid_from)


class Migration(migrations.Migration):

    dependencies = [("people", "0009_line_and_reception_powers")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop, elidable=True)]
