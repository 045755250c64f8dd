"""Files that are here already wait to be read, as new ones do."""

from django.db import migrations


def wait(apps, schema_editor):
    Document, FileText = apps.get_model("wagtaildocs", "Document"), apps.get_model("knowledge", "FileText")
    files = Document.objects.values_list("pk", "file_hash")
    FileText.objects.bulk_create(
        (FileText(document_id=pk, of_bytes=digest) for pk, digest in files.iterator()),
        batch_size=500,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0007_file_texts")]
    operations = [migrations.RunPython(wait, migrations.RunPython.noop)]
