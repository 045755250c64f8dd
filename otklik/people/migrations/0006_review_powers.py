"""Roles of an installation that already works: heads agree and review, those who sign oversee the reviews (п. 41)."""

from django.db import migrations

GIVEN = [("head", "knowledge.agree"), ("head", "knowledge.review"), ("signer", "knowledge.oversee")]


def give(apps, schema_editor):
    """Give the power from the day the role has any; a second run adds nothing."""
    Role, RolePower = apps.get_model("people", "Role"), apps.get_model("people", "RolePower")
    for code, power in GIVEN:
        first = RolePower.objects.filter(role=code).order_by("valid_from").first()
        if first and not RolePower.objects.filter(role=code, power=power).exists():
            RolePower.objects.create(role_id=code, power=power, valid_from=first.valid_from)


class Migration(migrations.Migration):

    dependencies = [("people", "0005_applicants_by_name")]

    operations = [migrations.RunPython(give, migrations.RunPython.noop, elidable=True)]
