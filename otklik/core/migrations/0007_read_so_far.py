"""What was written before anybody read the journal for notices is news for nobody."""

from typing import Any

from django.db import migrations
from django.db.models import F


def read_so_far(apps: Any, schema_editor: Any) -> None:
    """Note every chain as read to its end."""
    apps.get_model("core", "ChainHead").objects.filter(seq__gt=F("read_to")).update(read_to=F("seq"))


class Migration(migrations.Migration):
    dependencies = [("core", "0006_read_to")]

    operations = [migrations.RunPython(read_so_far, migrations.RunPython.noop)]
