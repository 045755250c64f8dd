"""Roles of an installation that already works: powers of the consultation line, questionnaires and reception."""

from django.db import migrations

POWERS = {
    "clerk": (
        *("hotline.missed", "hotline.figures", "surveys.edit", "surveys.paper", "surveys.read"),
        *("reception.schedule", "reception.book", "reception.figures"),
    ),
    "head": ("hotline.figures", "surveys.read", "reception.hold"),
    "signer": ("reception.hold", "reception.decide", "reception.figures"),
    "consultant": ("hotline.consult", "hotline.missed", "reception.book"),
    "receptionist": (
        *("reception.schedule", "reception.book", "reception.desk", "reception.recordings", "reception.figures"),
    ),
}


def give(apps, schema_editor):
    """Give each power from the day the role has any; a second run adds nothing."""
    RolePower = apps.get_model("people", "RolePower")
    for role, powers in POWERS.items():
        held = RolePower.objects.filter(role=role)
        first = held.order_by("valid_from").first()
        for power in powers if first else ():
            if not held.filter(power=power).exists():
                RolePower.objects.create(role_id=role, power=power, valid_from=first.valid_from)


class Migration(migrations.Migration):

    dependencies = [("people", "0008_words_power")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop, elidable=True)]
