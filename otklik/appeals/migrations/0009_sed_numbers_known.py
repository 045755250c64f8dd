"""Numbers of СЭД that cases and signatures bear already are written down as such; done twice, it adds nothing."""

import re

from django.db import migrations

_LOOKALIKES = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")


def _key(number):
    text = re.sub(r"[‐‑‒–—−]", "-", "".join(number.upper().split())).removeprefix("№").translate(_LOOKALIKES)
    return text[:60]


def known(apps, schema_editor):
    number_of = apps.get_model("appeals", "SedNumber")
    appeals = apps.get_model("appeals", "Appeal").objects.filter(number_source="sed")
    signed = apps.get_model("appeals", "Signature").objects.filter(way="sed").order_by("pk")
    rows = [("in", *row) for row in appeals.values_list("pk", "number", "registered_on", "registered_by")]
    rows += [("out", *row) for row in signed.values_list("answer__appeal", "sed_number", "signed_on", "recorded_by")]
    number_of.objects.bulk_create(
        [
            number_of(
                appeal_id=appeal, direction=direction, number=number, key=_key(number), on=on, year=on.year, by_id=by
            )
            for direction, appeal, number, on, by in rows
        ],
        batch_size=500,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("appeals", "0008_by_the_law")]

    operations = [migrations.RunPython(known, migrations.RunPython.noop)]
