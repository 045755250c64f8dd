"""Authors lose the right to publish: what they write is agreed by the head of the unit."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def take_away(apps: Any, schema_editor: Any) -> None:
    """Take it from the groups of authors; the chief editors keep it."""
    editors = apps.get_model("knowledge", "UnitEditors").objects.values("group")
    permissions = apps.get_model("wagtailcore", "GroupPagePermission").objects
    permissions.filter(group__in=editors, permission__codename="publish_page").delete()


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0010_agreements")]
    operations = [migrations.RunPython(take_away, migrations.RunPython.noop)]
