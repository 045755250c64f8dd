"""On PostgreSQL a name is found by any word of it without reading all names (`people.applicants.called`)."""

from django.db import migrations


def index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX applicant_by_words ON people_applicant USING gin (to_tsvector('simple', name_key))"
        )


def no_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX applicant_by_words")


class Migration(migrations.Migration):
    dependencies = [("people", "0011_by_the_law")]
    operations = [migrations.RunPython(index, no_index)]
