"""What citizens read already stays on the site, in the version they read; employees' and citizens' indexes part."""

from html import unescape

from django.db import migrations
from django.utils import timezone
from django.utils.html import strip_tags


def let_out(apps, schema_editor):
    Material, Version = apps.get_model("knowledge", "Material"), apps.get_model("knowledge", "PublicVersion")
    Faq = apps.get_model("knowledge", "Faq")
    Reference, Document = apps.get_model("wagtailcore", "ReferenceIndex"), apps.get_model("wagtaildocs", "Document")
    on_site = Material.objects.filter(live=True, mark="public", live_revision__isnull=False, public_version=None)
    for material in on_site.iterator(chunk_size=500):
        faq = Faq.objects.filter(pk=material.pk).first()
        brief, body, synonyms = (faq.short_answer, faq.body, faq.synonyms) if faq else ("", "", "")
        text = unescape(strip_tags(body)).strip()
        version = Version.objects.create(
            material=material,
            revision_id=material.live_revision_id,
            title=material.title,
            brief=brief,
            parts=[{"heading": "Полный ответ", "text": text, "html": body, "url": ""}] if text else [],
            answer=text or brief,
            found_by="\n".join(filter(None, [brief, text, synonyms])),
            pinned_at=material.last_published_at or timezone.now(),
        )
        carried = Reference.objects.filter(
            object_id=str(material.pk), to_content_type__app_label="wagtaildocs", to_content_type__model="document"
        ).values_list("to_object_id", flat=True)
        version.documents.set(Document.objects.filter(pk__in=[int(pk) for pk in carried if pk.isdigit()]))


def part_indexes(apps, schema_editor):
    Entry, Posting = apps.get_model("search", "Entry"), apps.get_model("search", "Posting")
    for entry in Entry.objects.filter(index="materials", scopes__contains=" public ").iterator(chunk_size=500):
        if not Entry.objects.filter(index="site", key=entry.key).exists():
            facts = {"title": entry.title, "body": entry.body, "length": entry.length}
            copy = Entry.objects.create(index="site", key=entry.key, scopes=" public ", **facts)
            words = Posting.objects.filter(entry=entry).values_list("word", "weight")
            Posting.objects.bulk_create(
                [Posting(entry=copy, index="site", word=word, weight=weight) for word, weight in words], batch_size=1000
            )
        Entry.objects.filter(pk=entry.pk).update(scopes=" staff ")


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0002_kinds_and_site"),
        ("search", "0001_initial"),
        ("wagtaildocs", "0014_alter_document_file_size"),
        ("wagtailcore", "0098_apitoken"),
    ]

    operations = [
        migrations.RunPython(let_out, migrations.RunPython.noop),
        migrations.RunPython(part_indexes, migrations.RunPython.noop),
    ]
